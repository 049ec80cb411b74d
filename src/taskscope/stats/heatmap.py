"""Where it burns: runs and failures by category of job and hour, from cells."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from taskscope.core.cells import JobCell
from taskscope.core.clock import DAY, HOUR, to_text
from taskscope.errors import UsageError
from taskscope.stats.registered import Registered, registered
from taskscope.stats.units import Instant, Level, Ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Name, Store

THRESHOLDS = (1, 5, 10)
"""From how many failures an hour is low, medium and high."""
MOST_DAYS = 31
MOST_JOBS = 20

_LEVELS: tuple[Level, ...] = ("none", "low", "medium", "high")


class HeatCell(msgspec.Struct):
    """One hour of one category: finished runs, cancelled ones left out, and those of them that failed.

    Without a run in it `failure_rate` and `level` are null: nothing ran is not the same as nothing failed.
    """

    runs: int
    failures: int
    failure_rate: Ratio | None
    level: Level | None


class FailingJob(msgspec.Struct):
    """A job of a category that had failures."""

    service: str
    job: str | None
    job_name: str | None
    owner: str | None
    runs: int
    failures: int
    failure_rate: Ratio


class HeatRow(msgspec.Struct):
    """A category (null for jobs without one), an hour a cell, and its failing jobs: at most 20 of them, worst first."""

    category: str | None
    runs: int
    failures: int
    failure_rate: Ratio | None
    cells: list[HeatCell]
    jobs: list[FailingJob]
    jobs_total: int


class Heatmap(msgspec.Struct, kw_only=True, rename={"start": "from", "end": "to"}):
    """Hours from `from` on, by category in the order of their names; jobs without one come last.

    `thresholds` are the failures from which a cell is low, medium and high. `most` is the highest count of a cell.
    """

    start: Instant
    end: Instant
    hours: list[Instant]
    thresholds: list[int]
    most: int
    categories: list[HeatRow]


def heatmap(store: Store, where: Filter, window: Interval, thresholds: Sequence[int] = THRESHOLDS) -> Heatmap:
    """Answer how many runs of each category failed in each hour; the window is widened to whole hours.

    Raises
    ------
    UsageError
        The window is too long, holds days whose hours are not kept any more, or the thresholds don't rise.
    """
    low, high = window[0] // HOUR * HOUR, -(-window[1] // HOUR) * HOUR
    _check(low, high, thresholds)
    cells: defaultdict[str | None, defaultdict[int, JobCell]] = defaultdict(lambda: defaultdict(JobCell))
    by_job: defaultdict[str | None, defaultdict[Name, JobCell]] = defaultdict(lambda: defaultdict(JobCell))
    with store.questions() as q:
        if q.finest((low, high)) > 1:
            raise UsageError(f"hours are not kept any more as far back as {to_text(low)}; ask from a later day on")
        known = registered(q, where)
        for start, name, cell in q.job_cells(1, (low, high), where):
            category = known[name].category if name in known else None
            cells[category][start].add(cell)
            by_job[category][name].add(cell)
    hours = range(low, high, HOUR)
    rows = []
    for category in sorted(cells, key=lambda name: (name is None, name or "")):
        drawn = [_cell(cells[category].get(hour), thresholds) for hour in hours]
        runs, failed = sum(cell.runs for cell in drawn), sum(cell.failures for cell in drawn)
        listed = [_failing(name, cell, known.get(name)) for name, cell in by_job[category].items()]
        failing = [job for job in listed if job is not None]
        failing.sort(key=lambda job: (-job.failures, job.service, job.job or ""))
        if runs:
            rate = failed / runs
            rows.append(HeatRow(category, runs, failed, rate, drawn, failing[:MOST_JOBS], len(failing)))
    return Heatmap(
        start=to_text(low),
        end=to_text(high),
        hours=[to_text(hour) for hour in hours],
        thresholds=list(thresholds),
        most=max((cell.failures for row in rows for cell in row.cells), default=0),
        categories=rows,
    )


def _check(low: int, high: int, thresholds: Sequence[int]) -> None:
    if high - low > MOST_DAYS * DAY:
        raise UsageError(f"a heatmap shows {MOST_DAYS} days at most; ask for a shorter window")
    if len(thresholds) != len(THRESHOLDS) or not 0 < thresholds[0] < thresholds[1] < thresholds[2]:
        raise UsageError("thresholds: send three rising numbers of failures from 1, such as 1,5,10")


def _figures(cell: JobCell) -> tuple[int, int]:
    """Give the finished runs of a cell, without cancelled ones, and those that failed."""
    failed = cell["failed"] + cell["timed_out"] + cell["lost"]
    return cell["succeeded"] + failed, failed


def _failing(name: Name, cell: JobCell, about: Registered | None) -> FailingJob | None:
    runs, failed = _figures(cell)
    if not failed:
        return None
    about = about or Registered()
    return FailingJob(name[0], name[1] or None, about.job_name, about.owner, runs, failed, failed / runs)


def _cell(cell: JobCell | None, thresholds: Sequence[int]) -> HeatCell:
    runs, failed = (0, 0) if cell is None else _figures(cell)
    if not runs:
        return HeatCell(0, 0, None, None)
    return HeatCell(runs, failed, failed / runs, _LEVELS[sum(failed >= threshold for threshold in thresholds)])
