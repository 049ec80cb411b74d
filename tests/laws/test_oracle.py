"""What Taskscope answers is what the naive reading of the specification answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskscope import ingest, stats
from taskscope.core.clock import DAY, HOUR, MINUTE, SECOND, from_text, ms
from taskscope.core.events import Event, canonical, content_hash
from taskscope.core.presence import Life
from taskscope.core.runs import Run, view
from taskscope.core.task import fold
from taskscope.ports import Filter, Store
from taskscope.stats.packing import pack
from taskscope.store.sqlite import SqliteStore
from tests.laws.strategies import LATEST, edges, facts, marks
from tests.oracle import OUTCOMES, Oracle, Row, _key, _ttl
from tests.postgres import Schemas, clear

FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A folder in memory: the store waits for the disk at every batch."""

COMPARED = (
    *("attempt", "run", "job", "queue", "worker", "boot", "state", "submitted", "due", "start", "finish", "duration"),
    *("wait", "skewed", "outcome", "inferred", "outputs", "progress"),
)


class Naive:
    """What the core asks about other facts, answered by the oracle."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.mark = oracle.mark

    def life(self, service: str, boot: str) -> Life | None:
        newest = max(self.oracle.heartbeats(service, boot), key=_key, default=None)
        return Life(newest.time, _ttl(newest)) if newest else None

    def limit(self, service: str, job: str) -> int | None:
        return self.oracle.limit(service, job)


def row_of(service: str, task: str, run: Run) -> Row:
    row: Row = {name: getattr(run, name) for name in COMPARED}
    row |= {"service": service, "task": task, "waiting": bool(run.submission)}
    return row if row["waiting"] else row | {"anchor": run.anchor}


def row_of_oracle(row: Row) -> Row:
    names = (*COMPARED, "service", "task", "waiting", *(() if row["waiting"] else ("anchor",)))
    return {name: row[name] for name in names}


def differences(seen: list[Row], expected: list[Row]) -> list[str]:
    """Name what differs, row by row, short enough to be read."""
    if len(seen) != len(expected):
        return [f"{len(seen)} rows and not {len(expected)}"]
    pairs = zip(sorted(seen, key=_position), sorted(expected, key=_position), strict=True)
    return [
        f"{one['task']}/{one['attempt']}/{one['run']}: {name} is {one[name]!r} and not {other[name]!r}"
        for one, other in pairs
        for name in one
        if one[name] != other[name]
    ]


def _position(row: Row) -> tuple[Any, ...]:
    return (
        row["service"],
        row["task"],
        row["attempt"],
        row["waiting"],
        row["run"],
        row["submitted"] or 0,
        row["due"] or 0,
    )


@settings(deadline=None, max_examples=1000)
@given(facts, marks, st.randoms(use_true_random=False))
def test_core_sees_every_task_as_the_text_says(events: list[Event], mark: int, random: Any) -> None:
    oracle = Oracle(events, mark)
    expected, tasks = oracle.runs(), oracle.tasks()
    shuffled = events + random.choices(events, k=3)
    random.shuffle(shuffled)
    for (service, task), state in tasks.items():
        own = list({(e.id, e.time): e for e in shuffled if (e.service, e.task) == (service, task)}.values())
        seen = view(service, fold(own), Naive(oracle))
        rows = [row_of_oracle(row) for row in expected if (row["service"], row["task"]) == (service, task)]
        assert differences([row_of(service, task, run) for run in seen.runs], rows) == []
        assert {"state": seen.state, "cancelled": seen.cancelled, "first": seen.first} == state


# --- through the store ---


@dataclass
class Story:
    """Facts, and how they reached the store: in which batches, through which of two servers, between which sweeps."""

    facts: list[Event]
    steps: list[tuple[int, list[Event] | int]]
    mark: int
    cuts: list[int]
    """Instants to ask about, mostly where a fact lies or a microsecond after."""


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Shuffle, repeat and split facts, and sweep in between; the last sweep is the furthest."""
    known, mark = draw(facts), draw(marks)
    repeated = draw(st.lists(st.sampled_from(known), max_size=3))
    order = draw(st.permutations(known + repeated))
    steps: list[tuple[int, list[Event] | int]] = []
    while order:
        size = draw(st.sampled_from([1, 2, 3, 5, 8, 25]))
        batch, order = order[:size], order[size:]
        steps.append((draw(st.integers(0, 1)), batch))
        if draw(st.integers(0, 2)) == 2:
            steps.append((draw(st.integers(0, 1)), min(mark, draw(edges))))
    steps.append((draw(st.integers(0, 1)), mark))
    exact = st.sampled_from([fact.time for fact in known])
    cut = st.one_of(exact, exact.map(lambda time: time + 1), edges)
    return Story(known, steps, mark, draw(st.lists(cut, min_size=2, max_size=4)))


class Servers:
    """Opens one store twice for each story: as two servers that take turns."""

    def __init__(self, schemas: Schemas | None, share: float = 1.0) -> None:
        """Give schemas for PostgreSQL; without them, every story gets a file. `share` is that of the examples."""
        self._schemas = schemas
        self._share = share
        self._reused = [schemas.open("laws") for _ in range(2)] if schemas else []

    def examples(self, count: int) -> int:
        """Give how many examples a law gets: each costs a server more than a file in memory."""
        return count // 10 if self._schemas else round(count * self._share)

    @contextmanager
    def told(self, story: Story) -> Iterator[Store]:
        """Give a store that has been told a story."""
        with self._empty() as servers:
            for server, step in story.steps:
                if isinstance(step, int):
                    ingest.sweep(servers[server], step)
                    if (
                        server
                    ):  # one of the two packs, so that slices are packed before later facts, after all, or never
                        pack(servers[server], LATEST)
                else:
                    batch = [(e, content_hash(e.id, canonical(e))) for e in step]
                    receipt = ingest.accept(servers[server], batch, LATEST)
                    assert receipt.rejected == []
            yield servers[0]

    @contextmanager
    def _empty(self) -> Iterator[list[Any]]:
        if self._schemas:
            clear(self._reused[0])
            yield self._reused
            return
        with TemporaryDirectory(dir=FAST) as folder:
            servers = [SqliteStore(Path(folder) / "store.db") for _ in range(2)]
            try:
                yield servers
            finally:
                for opened in servers:
                    opened.close()


@pytest.fixture(params=["sqlite", "columns", "postgres"])
def servers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Servers:
    """Give servers of one kind: "columns" settles every plain task in columns, which else only large batches do."""
    if request.param == "postgres":
        return Servers(request.getfixturevalue("schemas"))
    if request.param == "columns":
        monkeypatch.setattr(ingest, "TOGETHER_FACTS", 1)
        return Servers(None, share=0.3)
    return Servers(None)


def us(text: str | None) -> int | None:
    return None if text is None else from_text(text)


def summed(block: Row) -> Row:
    """Leave out of a distribution what says how it was computed."""
    return {name: value for name, value in block.items() if name != "method"}


def distribution(values: list[int]) -> Row:
    """Describe values by NumPy, in milliseconds."""
    if not values:
        return {"count": 0} | dict.fromkeys(("avg", "min", "max", "p50", "p95", "p99"))
    p50, p95, p99 = np.percentile(np.array(values, dtype=float) / 1000, [50, 95, 99])
    bounds = {
        "count": len(values),
        "avg": sum(values) / len(values) / 1000,
        "min": ms(min(values)),
        "max": ms(max(values)),
    }
    return bounds | {"p50": p50, "p95": p95, "p99": p99}


def same(seen: Any, expected: Any) -> bool:
    if seen is None or expected is None:
        return seen is expected
    return bool(seen == pytest.approx(expected, rel=1e-9, abs=1e-6))


def unlike(seen: Row, expected: Row) -> list[str]:
    """Name the fields that differ."""
    return [
        f"{name} is {seen.get(name)} and not {value}"
        for name, value in expected.items()
        if not same(seen.get(name), value)
    ]


DISTRIBUTIONS = {
    "duration_ms": "durations",
    "duration_ms_succeeded": "durations_succeeded",
    "duration_ms_failed": "durations_failed",
    "wait_ms": "waits",
}


def wrong_stats(oracle: Oracle, seen: Row) -> list[str]:
    window = us(seen["from"]), us(seen["to"])
    expected = oracle.counts(*window)
    wrong = wrong_block(seen, expected) + unlike(seen["tasks"], expected["tasks"])
    wrong += unlike(seen, {"task_success_rate": expected["task_success_rate"]})
    return wrong


def wrong_jobs(oracle: Oracle, seen: Row) -> list[str]:
    window = us(seen["from"]), us(seen["to"])
    jobs, wrong = {(block["service"], block["job"] or ""): block for block in seen["jobs"]}, []
    for job in {(row["service"], row["job"]) for row in oracle.runs()}:
        expected = oracle.counts(*window, job)
        if job in jobs:
            wrong += [f"{job}: {text}" for text in wrong_block(jobs[job], expected)]
        elif any(expected[name] for name in ("submitted", "running", "pending", *OUTCOMES)):
            wrong.append(f"{job} is missing")
    return wrong


def wrong_block(seen: Row, expected: Row) -> list[str]:
    other = {*DISTRIBUTIONS.values(), "tasks", "task_success_rate"}
    wrong = unlike(seen, {name: value for name, value in expected.items() if name not in other})
    for name, values in DISTRIBUTIONS.items():
        wrong += [f"{name}: {text}" for text in unlike(summed(seen[name]), distribution(expected[values]))]
    return wrong


def test_stats_of_any_window_are_what_the_text_says(servers: Servers) -> None:
    @settings(deadline=None, max_examples=servers.examples(250))
    @given(stories())
    def holds(story: Story) -> None:
        oracle = Oracle(story.facts, story.mark)
        with servers.told(story) as store:
            assert wrong_stats(oracle, stats.stats(store, Filter())) == []
            for start, end in pairwise(story.cuts):
                if start < end:
                    seen = stats.stats(store, Filter(), start, end)
                    assert us(seen["from"]) <= start < end <= us(seen["to"])  # type: ignore[operator]
                    assert wrong_stats(oracle, seen) == []

    holds()


def test_stats_of_every_job_are_what_the_text_says(servers: Servers) -> None:
    @settings(deadline=None, max_examples=servers.examples(100))
    @given(stories())
    def holds(story: Story) -> None:
        oracle = Oracle(story.facts, story.mark)
        with servers.told(story) as store:
            assert wrong_jobs(oracle, stats.stats(store, Filter())) == []
            start, end = story.cuts[:2]
            if start < end:
                assert wrong_jobs(oracle, stats.stats(store, Filter(), start, end)) == []

    holds()


def test_verify_finds_no_difference_whatever_way_the_facts_came(servers: Servers) -> None:
    @settings(deadline=None, max_examples=servers.examples(200))
    @given(stories())
    def holds(story: Story) -> None:
        with servers.told(story) as store:
            assert stats.verify(store)["differences"] == []

    holds()


def row_of_item(item: Row) -> Row:
    row = {name: item[name] for name in ("service", "task", "attempt", "state", "outcome", "inferred")}
    row |= {name: item[name] or "" for name in ("run", "job", "queue", "worker")}
    row |= {name: us(item[f"{name}_at"]) for name in ("submitted", "started", "finished")}
    return row | {name: item[f"{name}_ms"] for name in ("duration", "wait")}


def row_of_listing(row: Row) -> Row:
    names = ("service", "task", "attempt", "state", "outcome", "inferred", "run", "job", "queue", "worker", "submitted")
    listed = {name: row[name] for name in names} | {"started": row["start"], "finished": row["finish"]}
    return listed | {name: None if row[name] is None else ms(row[name]) for name in ("duration", "wait")}


def listed(rows: Iterable[Row]) -> list[str]:
    return sorted(str(sorted(row.items())) for row in rows)


def test_listed_runs_are_what_the_text_says(servers: Servers) -> None:
    @settings(deadline=None, max_examples=servers.examples(100))
    @given(stories())
    def holds(story: Story) -> None:
        with servers.told(story) as store:
            items = stats.runs(store, Filter(), limit=1000)["items"]
        expected = Oracle(story.facts, story.mark).runs()
        assert listed(map(row_of_item, items)) == listed(map(row_of_listing, expected))

    holds()


@st.composite
def frames(draw: st.DrawFn) -> tuple[bool, int, int]:
    """Draw the frame of a question: whether it begins with a minute, how long it is, how long its buckets are."""
    step = draw(st.sampled_from([SECOND, 7 * SECOND, 15 * SECOND, MINUTE, HOUR, DAY]))
    return draw(st.booleans()), draw(st.sampled_from([step, 2 * step, 3 * step, 5 * step, 5 * step + step // 3])), step


def wrong_utilization(oracle: Oracle, seen: Row, step: int) -> list[str]:
    start, end = from_text(seen["from"]), from_text(seen["to"])
    lows = range(start, end, step)
    wrong = [] if [us(b["start"]) for b in seen["buckets"]] == list(lows) else ["other buckets"]
    runs = [r for r in oracle.runs() if r["outcome"]]
    for bucket, low, (active, idle) in zip(seen["buckets"], lows, oracle.buckets(start, end, step), strict=True):
        high = min(low + step, end)
        finished = [r for r in runs if low <= r["finish"] < high]
        busy = oracle.busy(low, high)
        known = sum(time for (_, worker), time in busy.items() if worker)
        expected = {
            "active_workers": active,
            "idle_workers": idle,
            "busy_ms": sum(busy.values()) / 1000,
            "avg_utilization": known / (high - low) / (active + idle) if active + idle else None,
            "tasks_finished": len(finished),
            "tasks_completed": sum(r["outcome"] == "succeeded" for r in finished),
        }
        wrong += [f"{low - start}: {text}" for text in unlike(bucket, expected)]
    workers = {(w["service"], w["worker"]): w for w in seen["workers"]}
    for service, worker in oracle.workers():
        name = (service, worker)
        own = oracle.busy(start, end).get(name, 0)
        there = own or oracle.present(service, worker, start, end)
        if bool(there) != (name in workers):
            wrong.append(f"{name} is {'not ' * bool(there)}listed")
        elif there:
            expected = {
                "busy_ms": own / 1000,
                "idle_ms": oracle.idle(service, worker, start, end) / 1000,
                "utilization": own / (end - start),
                "buckets": [oracle.busy(low, min(low + step, end)).get(name, 0) / 1000 for low in lows],
                "present": [
                    bool(oracle.busy(low, high).get(name)) or oracle.present(service, worker, low, high)
                    for low, high in ((low, min(low + step, end)) for low in lows)
                ],
            }
            wrong += [f"{name}: {text}" for text in unlike(workers[name], expected)]
    most, first = oracle.peak(start, end)
    peak = seen["peak_concurrency"]
    if (peak["max"], us(peak["first_at"])) != (most, first):
        wrong.append(f"peak is {peak} and not {most, first}")
    return wrong


def test_utilization_of_any_window_is_what_the_text_says(servers: Servers) -> None:
    @settings(deadline=None, max_examples=servers.examples(250))
    @given(stories(), st.lists(frames(), min_size=4, max_size=4))
    def holds(story: Story, asked: list[tuple[bool, int, int]]) -> None:
        oracle = Oracle(story.facts, story.mark)
        with servers.told(story) as store:
            for cut, (whole, span, step) in zip(story.cuts, asked, strict=False):
                start = cut - cut % MINUTE if whole else cut
                seen = stats.utilization(store, Filter(), start, start + span, step)
                assert wrong_utilization(oracle, seen, step) == []

    holds()
