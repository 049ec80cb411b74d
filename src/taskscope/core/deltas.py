"""Changes of cells, gathered over a batch and rolled up once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from taskscope.core import lifecycle
from taskscope.core.cells import BAD, OK, OTHER, POSITION, WAIT, WORKER_FIELDS, JobCell
from taskscope.core.clock import MINUTE
from taskscope.core.contributions import Begin, Ending
from taskscope.core.intervals import WIDTHS, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from taskscope.core.cells import JobKey, WorkerKey
    from taskscope.core.contributions import Part

_NO_WORK = [0] * len(WORKER_FIELDS)

_SUBMITTED, _BEGUN, _TAKEN, _GONE = (POSITION[name] for name in ("submitted", "begun", "taken", "gone"))
_SKEWED, _WAIT_COUNT, _OUTPUTS = POSITION["skewed"], POSITION["wait_count"], POSITION["outputs"]
_OUTCOME = {name: POSITION[name] for name in lifecycle.OUTCOMES}
_INFERRED = {name: POSITION[f"inferred_{name}"] for name in (lifecycle.TIMED_OUT, lifecycle.LOST)}
_CLASS = {lifecycle.SUCCEEDED: OK, lifecycle.FAILED_OUTCOME: BAD}
_COUNT = {OK: POSITION["succeeded_count"], BAD: POSITION["failed_count"], OTHER: POSITION["other_count"]}


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
