"""The specification once more, as naive as it can be: every question looks at all facts again.

Written from the text of the architecture alone and not from the code, so that the two can be compared. It keeps no
state, folds nothing and is slow; where it and Taskscope disagree, the text decides. Times are microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from taskscope.core.clock import SECOND, from_ms, from_text
from taskscope.core.events import Event

Row = dict[str, Any]
Span = tuple[int, int]

ENDS = {
    "task.succeeded": "succeeded",
    "task.failed": "failed",
    "task.retrying": "failed",
    "task.timed_out": "timed_out",
    "task.cancelled": "cancelled",
    "task.lost": "lost",
}
OUTCOMES = ("succeeded", "failed", "timed_out", "cancelled", "lost")
TOLERANCE = 10 * SECOND
DEFAULT_TTL_MS = 30_000
END_OF_TIME = 2**62


class Oracle:
    """What Taskscope has to answer when it knows these facts and its sweep has come as far as the mark."""

    def __init__(self, events: list[Event], mark: int) -> None:
        self.facts = list({(e.id, e.time): e for e in reversed(events)}.values())
        self.mark = mark

    # --- runs and submissions ---

    def runs(self) -> list[Row]:
        """List every run, and every submission that no run took (waiting)."""
        return [row for task in self._names_of_tasks() for row in self._rows(*task)]

    def _names_of_tasks(self) -> list[tuple[str, str]]:
        return sorted({(f.service, f.task) for f in self.facts if f.task is not None})

    def _rows(self, service: str, task: str) -> list[Row]:
        facts = [f for f in self.facts if (f.service, f.task) == (service, task)]
        rows: list[Row] = []
        for attempt in sorted({f.attempt for f in facts}):
            rows += self._attempt(facts, attempt)
        last = _decider(rows, END_OF_TIME)
        if last and last["retrying"]:
            last["state"] = "RETRYING"
        return rows

    def _attempt(self, facts: list[Event], attempt: int) -> list[Row]:
        """Match the runs of an attempt with its submissions."""
        submissions = sorted(_submissions(facts, attempt), key=_queueing)
        free, newest = submissions.copy(), _newest(facts)
        rows: list[Row] = []
        for name, own in _executions(facts, attempt):
            latest = _anchor(own) + TOLERANCE
            early = bool(submissions) and all(_due(s) > latest for s in submissions)
            candidates = submissions[:1] if early else [s for s in submissions if _due(s) <= latest]
            candidates = [s for s in candidates if s in free]
            taken = candidates[-1] if candidates else None
            if taken:
                free.remove(taken)
                due: int | None = _due(taken)
            else:
                due = _due_of_retry(facts, attempt) if not submissions and not rows else None
            rows.append(self._run(name, own, newest, taken, due))
        last = rows[-1] if rows else {}
        return rows + [_waiting(s, last, newest) for s in free]

    def _run(self, name: str, facts: list[Event], newest: Row, taken: Event | None, due: int | None) -> Row:
        own, end, start = _newest(facts), _end(facts), _start(facts)
        job, queue, boot = own["job"] or newest["job"], own["queue"] or newest["queue"], own["boot"]
        wait = None
        if start is not None and due is not None and all(f.data.get("wait_known") is not False for f in facts):
            wait = start - due
        row = {
            "service": facts[0].service,
            "task": facts[0].task,
            "attempt": facts[0].attempt,
            "run": name,
            "waiting": False,
            "job": job,
            "queue": queue,
            "worker": own["worker"],
            "boot": boot,
            "submitted": taken.time if taken else None,
            "due": due,
            "start": start,
            "wait": None if wait is None else max(wait, 0),
            "skewed": wait is not None and wait < 0,
            "outputs": sum(f.data.get("outputs", f.type == "task.output") for f in facts),
            "progress": _latest(facts, lambda f: f.data.get("progress")),
            "retrying": False,
            "anchor": _anchor(facts),
            "proof": max([f.time for f in facts] + [h.time for h in self.heartbeats(facts[0].service, boot)]),
        }
        if end is not None:
            row["retrying"] = end.type == "task.retrying"
            row |= {
                "state": "COMPLETED" if end.type == "task.succeeded" else "FAILED",
                "outcome": ENDS[end.type],
                "inferred": False,
                "finish": end.time,
            }
            row["duration"] = end.duration if end.duration is not None else _since(start, end.time)
            return row
        dues = [] if any(f.data.get("imported") is True for f in facts) else self._due_outcomes(row, facts, taken)
        dues = [due for due in dues if due[0] <= self.mark]
        if dues:
            _, finish, outcome = min(dues)
            row |= {"state": "FAILED", "outcome": outcome, "inferred": True, "finish": finish}
            row["duration"] = _since(start, finish)
        else:
            row |= {"state": "PROCESSING", "outcome": None, "inferred": False, "finish": None, "duration": None}
        return row

    def _due_outcomes(self, row: Row, facts: list[Event], taken: Event | None) -> list[tuple[int, int, str]]:
        """List what befalls a run without an end, as (due by, finish, outcome)."""
        dues = []
        limit = _latest(facts, _timeout)
        if limit is None and taken:
            limit = _timeout(taken)
        if limit is None:
            limit = self.limit(row["service"], row["job"])
        if limit is not None and row["start"] is not None:
            dues.append((row["start"] + limit, row["start"] + limit, "timed_out"))
        heartbeats = self.heartbeats(row["service"], row["boot"])
        if heartbeats:
            ttl = _ttl(max(heartbeats, key=_key))
            dues.append((row["proof"] + ttl, row["proof"], "lost"))
        return dues

    def heartbeats(self, service: str, boot: str) -> list[Event]:
        """Find the heartbeats of a boot."""
        mine = [f for f in self.facts if f.service == service and f.boot == boot and boot]
        return [f for f in mine if f.type == "worker.heartbeat"]

    def limit(self, service: str, job: str) -> int | None:
        """Say how long a run of a job may take by the job's own registration."""
        known = [f for f in self.facts if (f.type, f.service, f.job) == ("job.registered", service, job)]
        known = [f for f in known if "timeout_ms" in f.data]
        return _timeout(max(known, key=_key)) if known else None

    # --- tasks ---

    def tasks(self, at: int = END_OF_TIME) -> dict[tuple[str, str], Row]:
        """Give the state of every task, as it stood at an instant."""
        return {task: found for task in self._names_of_tasks() if (found := self._task(*task, at))}

    def _task(self, service: str, task: str, at: int) -> Row | None:
        rows = self._rows(service, task)
        first = min((r["submitted"] for r in rows if r["submitted"] is not None), default=None)
        if first is None:
            first = min(r["anchor"] for r in rows)
        known, last = _known(rows, at), _decider(rows, at)
        if not known:
            return None
        if last is None:
            attempt = known[0]["attempt"]
            return {"state": "PENDING" if attempt == 1 else "RETRYING", "cancelled": False, "first": first}
        if last["outcome"] is None or last["finish"] >= at:
            return {"state": "PROCESSING", "cancelled": False, "first": first}
        state = "RETRYING" if last["retrying"] else last["state"]
        return {"state": state, "cancelled": last["outcome"] == "cancelled", "first": first}

    # --- counts ---

    def counts(self, start: int | None, end: int | None, job: tuple[str, str] | None = None) -> Row:
        """Count what belongs to a window; without edges, all there is. Of one (service, job) alone: not its tasks."""
        low, high = 0 if start is None else start, END_OF_TIME if end is None else end

        def inside(time: int | None) -> bool:
            return time is not None and low <= time < high

        rows = [r for r in self.runs() if job in {None, (r["service"], r["job"])}]
        runs = [r for r in rows if not r["waiting"]]
        finished = [r for r in runs if r["outcome"] is not None and inside(r["finish"])]
        answer: Row = {name: sum(r["outcome"] == name for r in finished) for name in OUTCOMES}
        answer["submitted"] = sum(inside(r["submitted"]) for r in rows)
        answer["running"] = sum(
            r["anchor"] < high and (r["outcome"] is None or max(r["finish"], r["anchor"]) >= high) for r in runs
        )
        answer["pending"] = sum(_waits(r, high) for r in rows)
        answer["skewed"] = sum(r["skewed"] and inside(r["start"]) for r in runs)
        decided = [r for r in finished if r["outcome"] != "cancelled"]
        answer["success_rate"] = _ratio(answer["succeeded"], len(decided))
        states = [t for t in self.tasks(high).values() if inside(t["first"])]
        tasks = {name: sum(t["state"] == name.upper() for t in states) for name in _STATES}
        tasks["cancelled"] = sum(t["cancelled"] for t in states)
        tasks["failed"] -= tasks["cancelled"]
        answer["tasks"] = {"total": len(states), **tasks}
        answer["task_success_rate"] = _ratio(tasks["completed"], tasks["completed"] + tasks["failed"])
        timed = [r for r in finished if r["duration"] is not None]
        answer["durations"] = sorted(r["duration"] for r in timed)
        answer["durations_succeeded"] = sorted(r["duration"] for r in timed if r["outcome"] == "succeeded")
        answer["durations_failed"] = sorted(r["duration"] for r in timed if r["outcome"] == "failed")
        answer["waits"] = sorted(r["wait"] for r in runs if r["wait"] is not None and inside(r["start"]))
        return answer

    # --- busy and present ---

    def spans(self) -> list[tuple[tuple[str, str], Span]]:
        """List the busy intervals of all runs with their (service, worker); open runs up to their proof of life."""
        found = []
        for run in self.runs():
            span = None if run["waiting"] else _busy(run)
            if span:
                found.append(((run["service"], run["worker"]), span))
        return found

    def busy(self, start: int, end: int) -> dict[tuple[str, str], int]:
        """Sum, for every worker (and for the unknown ones), what its runs overlap with the window."""
        sums: dict[tuple[str, str], int] = {}
        for worker, span in self.spans():
            sums[worker] = sums.get(worker, 0) + _overlap(span, (start, end))
        return {worker: busy for worker, busy in sums.items() if busy}

    def peak(self, start: int, end: int) -> tuple[int, int | None]:
        """Find the most runs that were busy at once, and the first instant in the window at which they were."""
        spans = [span for _, span in self.spans() if _overlap(span, (start, end))]
        instants = sorted({max(low, start) for low, _ in spans})
        together = [sum(low <= t < high for low, high in spans) for t in instants]
        most = max(together, default=0)
        return (most, instants[together.index(most)]) if most else (0, None)

    def workers(self) -> list[tuple[str, str]]:
        """Name every worker that any fact names."""
        return sorted({(f.service, f.worker) for f in self.facts if f.worker})

    def covered(self, service: str, worker: str) -> list[Span]:
        """List where the heartbeats of a worker cover time; an offline cuts those of its boot."""
        found = []
        signs = [f for f in self.facts if f.service == service and f.type.startswith("worker.")]
        for boot in {f.boot for f in signs if f.boot}:
            own = [f for f in signs if f.boot == boot]
            if max(own, key=_key).worker == worker:
                offline = min((f.time for f in own if f.type == "worker.offline"), default=END_OF_TIME)
                found += [(low, min(high, offline)) for low, high in _cover(own)]
        found += _cover(f for f in signs if not f.boot and f.worker == worker)
        return [(low, high) for low, high in found if low < high]

    def inclusive(self, service: str, worker: str) -> Span | None:
        """Give the first start and the last start or finish of a worker's runs without a boot, both inclusive."""
        runs = [r for r in self.runs() if not r["waiting"] and (r["service"], r["worker"]) == (service, worker)]
        runs = [r for r in runs if not r["boot"]]
        finishes = [r["finish"] for r in runs if r["finish"] is not None]
        starts = [r["finish"] if r["start"] is None else r["start"] for r in runs]
        starts = [t for t in starts if t is not None]
        return (min(starts), max(starts + finishes)) if starts else None

    def present(self, service: str, worker: str, start: int, end: int) -> bool:
        """Say whether a worker was there at any instant of the window."""
        span = self.inclusive(service, worker)
        if span and span[0] < end and start <= span[1]:
            return True
        return any(_overlap(span, (start, end)) for span in self.covered(service, worker))

    def idle(self, service: str, worker: str, start: int, end: int) -> int:
        """Measure how long a worker was there and not busy."""
        there = self.covered(service, worker)
        if span := self.inclusive(service, worker):
            there.append(span)
        busy = [span for name, span in self.spans() if name == (service, worker)]
        cuts = sorted({start, end, *(t for span in there + busy for t in span if start < t < end)})
        return sum(high - low for low, high in pairwise(cuts) if _covers(there, low) and not _covers(busy, low))

    def buckets(self, start: int, end: int, step: int) -> list[tuple[int, int]]:
        """Count active and idle workers in every bucket of the window."""
        answer = []
        for low in range(start, end, step):
            high = min(low + step, end)
            active = {(service, worker) for service, worker in self.busy(low, high) if worker}
            idle = [w for w in self.workers() if w not in active and self.present(*w, low, high)]
            answer.append((len(active), len(idle)))
        return answer


_STATES = ("pending", "processing", "retrying", "completed", "failed")


# --- single facts ---


def _key(fact: Event) -> tuple[int, str]:
    return fact.time, fact.id


def _latest(facts: Iterable[Event], value: Callable[[Event], Any]) -> Any:
    """Give the value of the greatest (time, id) among the facts that hold one."""
    held = [f for f in facts if value(f) is not None]
    return value(max(held, key=_key)) if held else None


def _newest(facts: list[Event]) -> Row:
    """Give the newest names in some facts, empty text for what none of them names."""
    return {
        "job": _latest(facts, lambda f: f.job) or "",
        "queue": _latest(facts, lambda f: f.queue) or "",
        "worker": _latest(facts, lambda f: f.worker) or "",
        "boot": _latest(facts, lambda f: f.boot) or "",
    }


def _timeout(fact: Event) -> int | None:
    limit = fact.data.get("timeout_ms")
    return None if limit is None else from_ms(limit)


def _ttl(fact: Event) -> int:
    return from_ms(fact.data.get("ttl_ms", DEFAULT_TTL_MS))


def _due(fact: Event) -> int:
    return from_text(fact.data["eta"]) if "eta" in fact.data else fact.time


def _queueing(submission: Event) -> tuple[int, int, str]:
    return _due(submission), submission.time, submission.id


def _cover(facts: Iterable[Event]) -> list[Span]:
    return [(f.time, f.time + _ttl(f)) for f in facts if f.type == "worker.heartbeat"]


# --- facts of a run ---


def _submissions(facts: list[Event], attempt: int) -> list[Event]:
    return [f for f in facts if f.attempt == attempt and f.type == "task.submitted"]


def _executions(facts: list[Event], attempt: int) -> list[tuple[str, list[Event]]]:
    """Divide the facts of an attempt among its runs, in the order of the runs."""
    facts = [f for f in facts if f.attempt == attempt and f.type != "task.submitted"]
    loose = [f for f in facts if f.run is None]
    names = {f.run for f in facts if f.run is not None}
    if len(names) == 1:
        return [(name, facts) for name in names]
    runs = [(name, [f for f in facts if f.run == name]) for name in names]
    if not names or any(f.type != "task.cancelled" for f in loose):
        runs.append(("", loose))
    return sorted(((name, own) for name, own in runs if own), key=lambda run: (_anchor(run[1]), run[0]))


def _start(facts: list[Event]) -> int | None:
    return min((f.time for f in facts if f.type == "task.started"), default=None)


def _end(facts: list[Event]) -> Event | None:
    ends = [f for f in facts if f.type in ENDS]
    return max(ends, key=lambda f: (f.run is not None, f.time, f.id), default=None)


def _anchor(facts: list[Event]) -> int:
    """Give the instant that orders runs: start, else finish - duration, else finish, else the first fact."""
    start, end = _start(facts), _end(facts)
    if start is not None:
        return start
    if end is not None:
        return end.time - (end.duration or 0)
    return min(f.time for f in facts)


def _due_of_retry(facts: list[Event], attempt: int) -> int | None:
    """Find what the attempt before says about when this one is due."""
    ends = [_end(own) for _, own in _executions(facts, attempt - 1)]
    retries = [end for end in ends if end is not None and end.type == "task.retrying"]
    return _due(max(retries, key=_key)) if retries else None


def _since(start: int | None, finish: int) -> int | None:
    return None if start is None else max(finish - start, 0)


# --- rows ---


def _waiting(submission: Event, last: Row, newest: Row) -> Row:
    job = submission.job or last.get("job") or newest["job"]
    return {
        "service": submission.service,
        "task": submission.task,
        "attempt": submission.attempt,
        "run": "",
        "waiting": True,
        "job": job,
        "queue": submission.queue or last.get("queue") or newest["queue"],
        "worker": "",
        "boot": "",
        "submitted": submission.time,
        "due": _due(submission),
        "start": None,
        "wait": None,
        "skewed": False,
        "outputs": 0,
        "progress": None,
        "anchor": None,
        "proof": None,
        "state": "PENDING" if submission.attempt == 1 else "RETRYING",
        "outcome": None,
        "inferred": False,
        "finish": None,
        "duration": None,
    }


def _waits(row: Row, at: int) -> bool:
    """Say whether the submission of a row was made and not yet taken at an instant."""
    if row["submitted"] is None or row["submitted"] >= at:
        return False
    return bool(row["waiting"]) or max(row["anchor"], row["submitted"]) >= at


def _known(rows: list[Row], at: int) -> list[Row]:
    """List what of a task's greatest attempt existed at an instant: runs that had begun, submissions that waited."""
    known = [r for r in rows if _waits(r, at) or _began(r, at)]
    return [r for r in known if r["attempt"] == max(k["attempt"] for k in known)]


def _decider(rows: list[Row], at: int) -> Row | None:
    """Find the run that decides the state of its task at an instant, None while a submission newer than all waits."""
    known = _known(rows, at)
    last = max((r for r in known if _began(r, at)), key=lambda r: (r["anchor"], r["run"]), default=None)
    if last is None or any(r["due"] > last["anchor"] for r in known if _waits(r, at)):
        return None
    return last


def _began(row: Row, at: int) -> bool:
    return not row["waiting"] and bool(row["anchor"] < at)


def _busy(run: Row) -> Span | None:
    start, finish, duration = run["start"], run["finish"], run["duration"]
    if run["outcome"] is None:
        return None if start is None else (start, max(start, run["proof"]))
    if duration is None:
        return None
    return (finish - duration, finish) if start is None else (start, start + duration)


def _overlap(one: Span, other: Span) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def _covers(spans: list[Span], instant: int) -> bool:
    return any(low <= instant < high for low, high in spans)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
