"""From the fold of a task to its runs: what belongs together, what waited how long, how each run ended.

A pure function of the folded task, the life of the boots, the limits of the jobs and the mark. It follows the rules
"Runs and submissions" and "Inference is a function" of docs/explanation/definitions.md, step by step:

1. Facts without a run id join the attempt's only named run, else an unnamed one. Cancellations without a run id make
   a run only if the attempt has none.
2. The runs of an attempt are ordered by their anchor (start, else finish - duration, else finish, else first fact),
   then by run id.
3. In that order each takes the newest free submission that was due at most 10 s after it; a run before all
   submissions takes the first. Without a submission of its own, attempt n + 1 is due when the retry of n says.
4. A run without an observed end has the earliest outcome of `due` that the mark has passed.
5. The state of the task is that of its greatest attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from taskscope.core import lifecycle
from taskscope.core.clock import SECOND
from taskscope.core.failures import fingerprint
from taskscope.core.task import BOOT, JOB, QUEUE, WORKER, Facts, Named, Submission, joined, name_of, named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskscope.core.presence import Life
    from taskscope.core.task import Attempt, Task

TOLERANCE_US = 10 * SECOND
"""How far two clocks may differ for a run still to belong to a submission that seems to come after it."""


class Context(Protocol):
    """What a run's fate depends on beside its own facts."""

    mark: int

    def life(self, service: str, boot: str) -> Life | None:
        """Give the life of a boot, None for one that never sent a heartbeat."""

    def limit(self, service: str, job: str) -> int | None:
        """Give the time limit that is registered for a job, microseconds."""


class Due(NamedTuple):
    """An outcome that comes about by itself: what, when the run then ended, and from which mark on it is true."""

    outcome: str
    finish: int
    by: int


class Run(msgspec.Struct, gc=False):
    """One execution, or one submission that still waits for it, as every question sees it.

    Attributes
    ----------
    run
        Its id; empty when no fact names one.
    submission
        The identity of the submission that waits; empty for a run.
    anchor
        What orders it: see the module. For a waiting submission its time.
    submitted, due
        The submission that it took: when it was made, and when it was due. A retry without one has only a due time.
    end_type
        The type of the observed end; None while open, and for inferred ends.
    proof
        Its newest fact: it lived at least until then.
    recheck
        The mark from which inference may give another answer, None for never.
    fingerprint
        What groups it with other failures; None for a run that did not fail.
    """

    attempt: int
    run: str
    submission: str
    anchor: int
    job: str
    queue: str
    worker: str
    boot: str
    state: str
    submitted: int | None = None
    due: int | None = None
    start: int | None = None
    finish: int | None = None
    duration: int | None = None
    wait: int | None = None
    skewed: bool = False
    outcome: str | None = None
    inferred: bool = False
    end_type: str | None = None
    end_id: str | None = None
    error: tuple[str, str] | None = None
    progress: float | None = None
    outputs: int = 0
    proof: int = 0
    recheck: int | None = None
    fingerprint: str | None = None

    @property
    def busy(self) -> tuple[int, int] | None:
        """The interval in which a worker was busy with it; None while it is open or when its length is unknown."""
        if self.finish is None or self.duration is None:
            return None
        start = self.finish - self.duration if self.start is None else self.start
        return start, start + self.duration


class View(NamedTuple):
    """A task as every question sees it."""

    service: str
    job: str
    queue: str
    state: str
    cancelled: bool
    first: int
    runs: list[Run]


def view(service: str, task: Task, context: Context) -> View:
    """Resolve the fold of a task into its runs and its state.

    Parameters
    ----------
    task
        The fold; it holds at least one fact and is left as it is.
    """
    job, queue = _newest(task)
    runs: list[Run] = []
    newest: list[Run] = []
    for number in sorted(task):
        before = task.get(number - 1)
        retry_due = _retry_due(before) if before is not None and not task[number].submissions else None
        newest = _attempt(service, number, task[number], (job, queue), retry_due, context)
        runs += newest
    return View(service, job, queue, *_state(newest), _first(task, runs), runs)


def _attempt(
    service: str, number: int, attempt: Attempt, names: tuple[str, str], retry_due: int | None, context: Context
) -> list[Run]:
    """Resolve one attempt; the result is ordered, waiting submissions stand behind the runs."""
    pairs = [_run(number, name, facts, names) for name, facts in executions(attempt)]
    if len(pairs) > 1:
        pairs.sort(key=lambda pair: (pair[0].anchor, pair[0].run))
    free = list(attempt.submissions)
    if len(free) > 1:
        free.sort(key=lambda s: (s.due, s.time, s.id))
    first = free[0] if free else None
    for run, facts in pairs:
        taken = _take(free, first, run.anchor)
        if taken is not None:
            run.submitted, run.due = taken.time, taken.due
        elif retry_due is not None:
            run.due, retry_due = retry_due, None
        if run.due is not None and run.start is not None and facts.wait_known:
            run.wait, run.skewed = max(0, run.start - run.due), run.start < run.due
        if run.end_type is None:
            _infer(service, run, facts, taken, context)
    runs = [run for run, _ in pairs]
    deciding = runs[-1] if runs else None
    return runs + [_waiting(number, submission, deciding, names) for submission in free]


def executions(attempt: Attempt) -> list[tuple[str, Facts]]:
    """Gather the facts of an attempt into executions, by run id; the unnamed one has the empty id."""
    named, loose, cancel = attempt.runs, attempt.loose, attempt.cancel
    if len(named) == 1:
        [(name, facts)] = named.items()
        for extra in (loose, cancel):
            facts = facts if extra is None else joined(facts, extra)
        return [(name, facts)]
    if loose is not None:
        return [*named.items(), ("", loose if cancel is None else joined(loose, cancel))]
    if cancel is not None and not named:
        return [("", cancel)]
    return list(named.items())


def _run(number: int, name: str, facts: Facts, names: tuple[str, str]) -> tuple[Run, Facts]:
    run = Run(
        attempt=number,
        run=name,
        submission="",
        anchor=facts.first,
        job=name_of(facts, JOB, names[0]),
        queue=name_of(facts, QUEUE, names[1]),
        worker=name_of(facts, WORKER),
        boot=name_of(facts, BOOT),
        state=lifecycle.PROCESSING,
        start=facts.start,
        progress=facts.progress[2] if facts.progress else None,
        outputs=sum(facts.outputs.values()),
        proof=facts.newest,
    )
    end = facts.end
    if end is not None:
        _finish(run, lifecycle.OUTCOME_OF[end.type], end.time, end.duration)
        run.end_type, run.end_id, run.error = end.type, end.id, end.error
        run.fingerprint = fingerprint(run.outcome, end.error, end.fingerprint)
        run.state = lifecycle.FAILED if end.type == "task.retrying" else lifecycle.STATE_AFTER[end.type]
        run.anchor = end.time - (run.duration or 0)
    if facts.start is not None:
        run.anchor = facts.start
    return run, facts


def _finish(run: Run, outcome: str, finish: int, duration: int | None) -> None:
    run.outcome, run.finish = outcome, finish
    if duration is None and run.start is not None:
        duration = max(0, finish - run.start)
    run.duration = duration


def _take(free: list[Submission], first: Submission | None, anchor: int) -> Submission | None:
    """Take the submission that a run answers, out of the free ones, which are ordered by due time."""
    for position in range(len(free) - 1, -1, -1):
        if free[position].due <= anchor + TOLERANCE_US:
            return free.pop(position)
    if first is not None and free and free[0] is first and first.due > anchor + TOLERANCE_US:
        return free.pop(0)
    return None


def due(start: int | None, limit: int | None, proof: int, life: Life | None, *, imported: bool = False) -> list[Due]:
    """List the outcomes that come about by themselves when no end is observed, the one that comes first in front.

    Parameters
    ----------
    start
        When the run started; without it no limit runs.
    limit
        Its time limit, microseconds. Neither heartbeat nor progress puts it off.
    proof
        The newest of the run's own facts.
    life
        The life of its boot; None when that never sent a heartbeat, and the run can't be lost.
    imported
        It holds an imported fact: history waits for nothing.
    """
    if imported:
        return []
    found = []
    if life is not None:
        alive = max(proof, life.heartbeat)
        found.append(Due(lifecycle.LOST, alive, alive + life.ttl))
    if start is not None and limit is not None:
        found.append(Due(lifecycle.TIMED_OUT, start + limit, start + limit))
    return sorted(found, key=lambda d: (d.by, d.finish))


def _infer(service: str, run: Run, facts: Facts, taken: Submission | None, context: Context) -> None:
    """End a run without an observed end, where the mark has passed what was due."""
    limit = facts.timeout[2] if facts.timeout else None
    if limit is None and taken is not None:
        limit = taken.timeout
    if limit is None:
        limit = context.limit(service, run.job)
    life = context.life(service, run.boot) if run.boot else None
    ahead = due(run.start, limit, facts.newest, life, imported=facts.imported)
    if not ahead:
        return
    run.recheck = ahead[0].by
    if ahead[0].by <= context.mark:
        _finish(run, ahead[0].outcome, ahead[0].finish, None)
        run.inferred, run.state, run.recheck = True, lifecycle.FAILED, None
        run.fingerprint = fingerprint(run.outcome, None, None)


def _waiting(number: int, submission: Submission, deciding: Run | None, names: tuple[str, str]) -> Run:
    """Make the row of a submission that no run took."""
    return Run(
        attempt=number,
        run="",
        submission=f"{submission.time}/{submission.id}",
        anchor=submission.time,
        job=submission.job or (deciding.job if deciding else names[0]),
        queue=submission.queue or (deciding.queue if deciding else names[1]),
        worker="",
        boot="",
        state=lifecycle.PENDING if number == 1 else lifecycle.RETRYING,
        submitted=submission.time,
        due=submission.due,
        proof=submission.time,
    )


def _state(newest: Iterable[Run]) -> tuple[str, bool]:
    """Give the state of a task from the rows of its greatest attempt, and whether it ended as cancelled."""
    last: Run | None = None
    waiting: Run | None = None
    due = -1
    for row in newest:
        if row.submission:
            waiting, due = row, max(due, row.due or 0)
        else:
            last = row
    if waiting is not None and (last is None or due > last.anchor):
        return waiting.state, False
    if last is None:
        return lifecycle.PENDING, False
    if last.end_type == "task.retrying":
        last.state = lifecycle.RETRYING
    return last.state, last.outcome == lifecycle.CANCELLED


def _retry_due(attempt: Attempt) -> int | None:
    """When the next attempt is due: what the newest retry that stands as an end in this attempt says."""
    ends = [facts.end for _, facts in executions(attempt) if facts.end is not None]
    retries = [end for end in ends if end.type == "task.retrying"]
    if not retries:
        return None
    end = max(retries, key=lambda end: (end.time, end.id))
    return end.time if end.eta is None else end.eta


def _newest(task: Task) -> tuple[str, str]:
    """Give the newest names of job and queue that any fact of the task gives; empty for none."""
    job: Named = (-1, "", "")
    queue: Named = (-1, "", "")
    for attempt in task.values():
        for facts in (*attempt.runs.values(), attempt.loose, attempt.cancel):
            if facts is not None:
                job, queue = max(job, named(facts, JOB) or job), max(queue, named(facts, QUEUE) or queue)
        for s in attempt.submissions:
            if s.job is not None:
                job = max(job, (s.time, s.id, s.job))
            if s.queue is not None:
                queue = max(queue, (s.time, s.id, s.queue))
    return job[2], queue[2]


def _first(task: Task, runs: Iterable[Run]) -> int:
    """Give the first submission of a task, or when its first run began if it has none."""
    submissions = [s.time for attempt in task.values() for s in attempt.submissions]
    return min(submissions) if submissions else min(run.anchor for run in runs)
