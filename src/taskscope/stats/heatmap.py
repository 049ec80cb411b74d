"""Where it burns: runs and failures by category of job and hour, from cells."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from taskscope.core.clock import DAY, HOUR, to_text
from taskscope.errors import UsageError
from taskscope.stats.registered import Registered, registered
from taskscope.stats.units import Instant, Level, Ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.core.intervals import Interval
    from taskscope.ports import Endings, Filter, Name, Store

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


class _Tally:
    """Finished runs, cancelled ones left out, and those of them that failed."""

    __slots__ = ("failures", "runs")

    def __init__(self) -> None:
        self.runs = self.failures = 0

    def add(self, ends: Endings) -> None:
        self.runs += ends.succeeded + ends.failures
        self.failures += ends.failures


def heatmap(store: Store, where: Filter, window: Interval, thresholds: Sequence[int] = THRESHOLDS) -> Heatmap:
    """Answer how many runs of each category failed in each hour; the window is widened to whole hours.

    Raises
    ------
    UsageError
        The window is too long, holds days whose hours are not kept any more, or the thresholds don't rise.
    """
    low, high = window[0] // HOUR * HOUR, -(-window[1] // HOUR) * HOUR
    _check(low, high, thresholds)
    cells: defaultdict[str | None, defaultdict[int, _Tally]] = defaultdict(lambda: defaultdict(_Tally))
    by_job: defaultdict[str | None, defaultdict[Name, _Tally]] = defaultdict(lambda: defaultdict(_Tally))
    with store.questions() as q:
        if q.finest((low, high)) > 1:
            raise UsageError(f"hours are not kept any more as far back as {to_text(low)}; ask from a later day on")
        known = registered(q, where)
        for ends in q.endings(1, (low, high), where):
            category = known[ends.job].category if ends.job in known else None
            cells[category][ends.start].add(ends)
            by_job[category][ends.job].add(ends)
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


def _failing(name: Name, tally: _Tally, about: Registered | None) -> FailingJob | None:
    if not tally.failures:
        return None
    about = about or Registered()
    rate = tally.failures / tally.runs
    return FailingJob(name[0], name[1] or None, about.job_name, about.owner, tally.runs, tally.failures, rate)


def _cell(tally: _Tally | None, thresholds: Sequence[int]) -> HeatCell:
    if tally is None or not tally.runs:
        return HeatCell(0, 0, None, None)
    level = _LEVELS[sum(tally.failures >= threshold for threshold in thresholds)]
    return HeatCell(tally.runs, tally.failures, tally.failures / tally.runs, level)
