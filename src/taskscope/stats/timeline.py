"""Counts of a window bucket by bucket, from whole cells: so a step is a whole number of minutes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from taskscope.core.cells import JobCell
from taskscope.core.clock import DAY, HOUR, MINUTE
from taskscope.core.intervals import WIDTHS
from taskscope.errors import UsageError

if TYPE_CHECKING:
    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Name, Questions

LADDER = (
    *(MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY, 30 * DAY, 365 * DAY),
)
"""The steps that are chosen from where nobody asks for one."""
MOST_BUCKETS = 1500


class Timeline(NamedTuple):
    """The window, widened to whole buckets, their length, and the counts of each job by the number of the bucket."""

    window: Interval
    step: int
    jobs: dict[Name, dict[int, JobCell]]

    def of(self, *jobs: Name) -> list[JobCell]:
        """Add up the buckets of some jobs; a bucket without anything is an empty cell."""
        summed = [JobCell() for _ in range((self.window[1] - self.window[0]) // self.step)]
        for job in jobs:
            for bucket, cell in self.jobs.get(job, {}).items():
                summed[bucket].add(cell)
        return summed


def timeline(q: Questions, window: Interval, where: Filter, *, step: int | None = None, buckets: int = 48) -> Timeline:
    """Count by bucket.

    Parameters
    ----------
    step
        The length of a bucket; None for one that gives about `buckets` of them. Where retention has dropped the cells
        of that length, hours or days are answered instead.

    Raises
    ------
    UsageError
        The step is no whole number of minutes, or there would be too many buckets.
    """
    (low, high), step, granularity = frame(q, window, step=step, buckets=buckets)
    jobs: defaultdict[Name, defaultdict[int, JobCell]] = defaultdict(lambda: defaultdict(JobCell))
    for start, job, cell in q.job_cells(granularity, (low, high), where):
        jobs[job][(start - low) // step].add(cell)
    return Timeline((low, high), step, {job: dict(found) for job, found in jobs.items()})


def frame(q: Questions, window: Interval, *, step: int | None = None, buckets: int = 48) -> tuple[Interval, int, int]:
    """Give the window that whole buckets cover, their length, and the granularity of the cells that make them up.

    Raises
    ------
    UsageError
        As `timeline` does.
    """
    if step is None:
        step = next((one for one in LADDER if (window[1] - window[0]) <= one * buckets), LADDER[-1])
    if step % MINUTE:
        raise UsageError("step: cells hold whole minutes; ask for a multiple of 1m")
    coarse = WIDTHS[q.finest(window)]
    step = -(-step // coarse) * coarse
    low, high = window[0] // step * step, -(-window[1] // step) * step
    if (high - low) // step > MOST_BUCKETS:
        raise UsageError(f"these are more than {MOST_BUCKETS} buckets; ask for a longer step or a shorter window")
    return (low, high), step, max(number for number, width in enumerate(WIDTHS) if step % width == 0)
