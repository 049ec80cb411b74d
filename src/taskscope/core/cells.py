"""What a task adds to the statistics, and the additive cells that hold it.

`contributions` is a function of the resolved task alone. Whatever a late fact changes, the cells follow by the
difference: take back what the old view of the task contributed, add what the new one does. A cell therefore holds
only what can be added and taken back: counts, sums and histogram buckets.

Two families of cells exist at each granularity (minute, hour, day): by job and queue, and by worker and queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from taskscope.core import lifecycle, sketch
from taskscope.core.clock import MINUTE
from taskscope.core.intervals import WIDTHS, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from taskscope.core.runs import View

JOB_FIELDS = (
    "submitted",  # by submission time
    "begun",  # runs by anchor: with `gone` it tells what ran at any instant
    "taken",  # submissions that a run answered, when both were there: with `submitted` what waited at any instant
    "gone",  # runs that ended, by finish (never before the anchor)
    "succeeded",  # outcomes, by finish
    "failed",
    "timed_out",
    "cancelled",
    "lost",
    "inferred_timed_out",  # those among the outcomes that no fact states
    "inferred_lost",
    "skewed",  # by start, as waits
    "wait_count",
    "wait_us",
    "succeeded_count",  # runs with a known duration, by finish; the rest are of other outcomes
    "succeeded_us",
    "failed_count",
    "failed_us",
    "other_count",
    "other_us",
    "outputs",  # by finish
    "tasks_pending",  # tasks by first submission, in their present state
    "tasks_processing",
    "tasks_retrying",
    "tasks_completed",
    "tasks_failed",
    "tasks_cancelled",
)
WORKER_FIELDS = (
    "busy_us",  # time of runs that begin or end in this cell
    "level",  # change of the number of runs that cover cells whole
    "finished",  # by finish
    "succeeded",
    "exec_count",  # runs that were not cancelled, by finish ...
    "exec_us",  # ... with their whole duration
)

WAIT, OK, BAD, OTHER = range(4)
"""The four histograms of a job cell: waits; durations of succeeded, of failed, of other runs."""
_HISTOGRAM_SPAN = 4096
_NO_COUNTS = [0] * len(JOB_FIELDS)
_NO_WORK = [0] * len(WORKER_FIELDS)

_F = {name: position for position, name in enumerate(JOB_FIELDS)}
_SUBMITTED, _BEGUN, _TAKEN, _GONE = (_F[name] for name in ("submitted", "begun", "taken", "gone"))
_SKEWED, _WAIT_COUNT, _OUTPUTS = _F["skewed"], _F["wait_count"], _F["outputs"]
_OUTCOME = {name: _F[name] for name in lifecycle.OUTCOMES}
_INFERRED = {name: _F[f"inferred_{name}"] for name in (lifecycle.TIMED_OUT, lifecycle.LOST)}
_CLASS = {lifecycle.SUCCEEDED: OK, lifecycle.FAILED_OUTCOME: BAD}
_COUNT = {OK: _F["succeeded_count"], BAD: _F["failed_count"], OTHER: _F["other_count"]}
_TASK = {state: _F[f"tasks_{state.lower()}"] for state in lifecycle.STATES}


class JobCell:
    """The additive value of a cell by job and queue: counts in the order of `JOB_FIELDS`, and four histograms."""

    __slots__ = ("counts", "histogram")

    def __init__(self, counts: list[int] | None = None, histogram: sketch.Histogram | None = None) -> None:
        """Make a cell, an empty one by default."""
        self.counts = list(counts) if counts else list(_NO_COUNTS)
        self.histogram: sketch.Histogram = dict(histogram) if histogram else {}

    def __bool__(self) -> bool:
        """Tell whether it holds anything."""
        return bool(self.histogram) or any(self.counts)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return isinstance(other, JobCell) and self.counts == other.counts and self.histogram == other.histogram

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Show what is not zero."""
        return f"JobCell({ {n: c for n, c in zip(JOB_FIELDS, self.counts, strict=True) if c} }, {self.histogram})"

    def __getitem__(self, field: str) -> int:
        """Give one count or sum by its name."""
        return self.counts[_F[field]]

    def add(self, other: JobCell, sign: int = 1) -> None:
        """Add another cell, or take it back."""
        counts = self.counts
        for position, count in enumerate(other.counts):
            if count:
                counts[position] += sign * count
        if other.histogram:
            sketch.add(self.histogram, other.histogram, sign)

    def observe(self, kind: int, value: int, sign: int) -> None:
        """Put a duration into one of the four histograms."""
        number = kind * _HISTOGRAM_SPAN + sketch.bucket(value)
        count = self.histogram.get(number, 0) + sign
        if count:
            self.histogram[number] = count
        else:
            del self.histogram[number]

    def durations(self, *kinds: int) -> sketch.Histogram:
        """Give the merged histogram of some kinds."""
        merged: sketch.Histogram = {}
        for number, count in self.histogram.items():
            kind, bucket = divmod(number, _HISTOGRAM_SPAN)
            if kind in kinds:
                merged[bucket] = merged.get(bucket, 0) + count
        return merged


class Begin(NamedTuple):
    """What the beginning of a run contributes, or a submission that still waits for one (without an anchor)."""

    service: str
    job: str
    queue: str
    anchor: int | None
    submitted: int | None
    start: int | None
    wait: int | None
    skewed: bool


class Ending(NamedTuple):
    """What the end of a run contributes."""

    service: str
    job: str
    queue: str
    worker: str
    anchor: int
    start: int | None
    finish: int
    outcome: str
    inferred: bool
    duration: int | None
    outputs: int


class Standing(NamedTuple):
    """What a task contributes beside its runs: `field` is the position in `JOB_FIELDS` that counts its state."""

    service: str
    job: str
    queue: str
    first: int
    field: int


Part = Begin | Ending | Standing


def contributions(view: View) -> list[Part]:
    """List what a task contributes to the cells."""
    service = view.service
    parts: list[Part] = [
        Standing(service, view.job, view.queue, view.first, task_field(view.state, cancelled=view.cancelled))
    ]
    for run in view.runs:
        parts.extend(parts_of(service, run))
    return parts


class Occurrence(Protocol):
    """A run, resolved or as it is listed."""

    @property
    def job(self) -> str:
        """As of `taskscope.core.runs.Run`."""

    @property
    def queue(self) -> str:
        """As of `taskscope.core.runs.Run`."""

    @property
    def worker(self) -> str:
        """As of `taskscope.core.runs.Run`."""

    @property
    def submission(self) -> str:
        """As of `taskscope.core.runs.Run`."""

    @property
    def anchor(self) -> int:
        """As of `taskscope.core.runs.Run`."""

    @property
    def submitted(self) -> int | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def start(self) -> int | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def wait(self) -> int | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def skewed(self) -> bool:
        """As of `taskscope.core.runs.Run`."""

    @property
    def finish(self) -> int | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def outcome(self) -> str | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def inferred(self) -> bool:
        """As of `taskscope.core.runs.Run`."""

    @property
    def duration(self) -> int | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def outputs(self) -> int:
        """As of `taskscope.core.runs.Run`."""


def parts_of(service: str, run: Occurrence) -> list[Part]:
    """List what one run contributes, or one submission that waits."""
    anchor = None if run.submission else run.anchor
    begin = Begin(service, run.job, run.queue, anchor, run.submitted, run.start, run.wait, run.skewed)
    if run.outcome is None or run.finish is None:
        return [begin]
    return [
        begin,
        Ending(
            service,
            run.job,
            run.queue,
            run.worker,
            run.anchor,
            run.start,
            run.finish,
            run.outcome,
            run.inferred,
            run.duration,
            run.outputs,
        ),
    ]


def task_field(state: str, *, cancelled: bool) -> int:
    """Give the position in `JOB_FIELDS` that counts a task in this state."""
    return _F["tasks_cancelled"] if cancelled else _TASK[state]


JobKey = tuple[int, int, str, str, str]
"""(granularity, start, service, job, queue)."""
WorkerKey = tuple[int, int, str, str, str]
"""(granularity, start, service, worker, queue)."""


class Deltas:
    """Changes of cells, gathered over a batch.

    Changes are gathered by minute and rolled up once, at `roll_up`: a batch touches far fewer cells than runs.
    """

    def __init__(self) -> None:
        """Start without any change."""
        self._minutes: dict[tuple[int, str, str, str], JobCell] = {}
        self._work: dict[tuple[int, str, str, str], list[int]] = {}
        self._busy: dict[WorkerKey, list[int]] = {}

    def replace(self, old: Iterable[Part], new: Iterable[Part]) -> None:
        """Take back what a task contributed and add what it contributes now; what stays the same costs nothing."""
        added = list(new)
        for part in old:
            if part in added:
                added.remove(part)
            else:
                self.apply(part, -1)
        for part in added:
            self.apply(part, 1)

    def apply(self, part: Part, sign: int) -> None:
        """Add one contribution, or take it back."""
        if isinstance(part, Ending):
            self._ended(part, sign)
        elif isinstance(part, Begin):
            self._begun(part, sign)
        else:
            self._minute(part, part.first).counts[part.field] += sign

    def _begun(self, part: Begin, sign: int) -> None:
        anchor, submitted, start, wait = part.anchor, part.submitted, part.start, part.wait
        if submitted is not None:
            self._minute(part, submitted).counts[_SUBMITTED] += sign
        if anchor is None:
            return
        self._minute(part, anchor).counts[_BEGUN] += sign
        if submitted is not None:
            self._minute(part, max(anchor, submitted)).counts[_TAKEN] += sign
        if wait is not None and start is not None:
            cell = self._minute(part, start)
            cell.counts[_WAIT_COUNT] += sign
            cell.counts[_WAIT_COUNT + 1] += sign * wait
            cell.counts[_SKEWED] += sign * part.skewed
            cell.observe(WAIT, wait, sign)

    def _ended(self, part: Ending, sign: int) -> None:
        finish, outcome, duration = part.finish, part.outcome, part.duration
        self._minute(part, max(finish, part.anchor)).counts[_GONE] += sign
        cell = self._minute(part, finish)
        cell.counts[_OUTCOME[outcome]] += sign
        cell.counts[_OUTPUTS] += sign * part.outputs
        if part.inferred:
            cell.counts[_INFERRED[outcome]] += sign
        work = self._worked((finish // MINUTE * MINUTE, part.service, part.worker, part.queue))
        work[2] += sign
        work[3] += sign * (outcome == lifecycle.SUCCEEDED)
        if duration is None:
            return
        kind = _CLASS.get(outcome, OTHER)
        cell.counts[_COUNT[kind]] += sign
        cell.counts[_COUNT[kind] + 1] += sign * duration
        cell.observe(kind, duration, sign)
        if outcome != lifecycle.CANCELLED:
            work[4] += sign
            work[5] += sign * duration
        self._spread(part, finish - duration if part.start is None else part.start, duration, sign)

    def _spread(self, part: Ending, start: int, duration: int, sign: int) -> None:
        names = (part.service, part.worker, part.queue)
        minute = start // MINUTE * MINUTE
        if start + duration < minute + MINUTE:  # most runs: partial time of one minute, and so of its hour and day
            self._worked((minute, *names))[0] += sign * duration
            return
        for granularity, cell_start, partial, level in spread(start, start + duration):
            key = (granularity, cell_start, *names)
            busy = self._busy.get(key)
            if busy is None:
                busy = self._busy[key] = list(_NO_WORK)
            busy[0] += sign * partial
            busy[1] += sign * level

    def _worked(self, key: tuple[int, str, str, str]) -> list[int]:
        """Give the work of a minute that is the same part of its hour and day."""
        work = self._work.get(key)
        if work is None:
            work = self._work[key] = list(_NO_WORK)
        return work

    def _minute(self, part: Part, time: int) -> JobCell:
        key = (time // MINUTE * MINUTE, part.service, part.job, part.queue)
        cell = self._minutes.get(key)
        if cell is None:
            cell = self._minutes[key] = JobCell()
        return cell

    def roll_up(self) -> tuple[dict[JobKey, JobCell], dict[WorkerKey, list[int]]]:
        """Give the changes of all granularities, without those that cancelled each other out."""
        jobs: dict[JobKey, JobCell] = {}
        workers = {key: list(work) for key, work in self._busy.items()}
        cells, works = self._minutes, self._work
        for granularity, width in enumerate(WIDTHS):  # each granularity is the sum of the finer one
            cells = _coarser(cells, width, JobCell, JobCell.add)
            works = _coarser(works, width, _no_work, _add_work)
            jobs |= {(granularity, *key): cell for key, cell in cells.items()}
            for key, work in works.items():
                _add_work(workers.setdefault((granularity, *key), list(_NO_WORK)), work)
        return (
            {key: cell for key, cell in jobs.items() if cell},
            {key: work for key, work in workers.items() if any(work)},
        )


T = TypeVar("T")
_Place = tuple[int, str, str, str]


def _coarser(
    finer: Mapping[_Place, T], width: int, nothing: Callable[[], T], add: Callable[[T, T], None]
) -> dict[_Place, T]:
    """Add up values by the greater cells that they lie in; the values themselves are left as they are."""
    found: dict[_Place, T] = {}
    for (start, *names), value in finer.items():
        key: _Place = (start // width * width, *names)  # type: ignore[assignment]
        total = found.get(key)
        if total is None:
            total = found[key] = nothing()
        add(total, value)
    return found


def _no_work() -> list[int]:
    return list(_NO_WORK)


def _add_work(into: list[int], work: list[int]) -> None:
    for position, count in enumerate(work):
        into[position] += count
