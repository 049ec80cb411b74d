"""The figures of some runs: counts, the success rate and how long they took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from taskscope.core.cells import BAD, OK, OTHER, JobCell
from taskscope.stats.counts import add_histograms
from taskscope.stats.durations import estimated, exact, joined
from taskscope.stats.summary import ratio
from taskscope.stats.units import Milliseconds, Ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from taskscope.core.spans import Ints
    from taskscope.ports import Filter, Name, Questions
    from taskscope.stats.windows import Cover

EXACT_UP_TO = 10_000
"""How many runs of a list of jobs are looked at one by one; beyond, percentiles come from histograms."""


class Spread(msgspec.Struct, omit_defaults=True):
    """How long runs took. `method` tells whether percentiles are exact or within 1 % from a histogram.

    Where `extremes` is `bounds`, no run was shorter than `min` or longer than `max`, and none may be as long as that.
    """

    count: int
    avg: Milliseconds | None
    min: Milliseconds | None
    max: Milliseconds | None
    p50: Milliseconds | None
    p95: Milliseconds | None
    p99: Milliseconds | None
    method: Literal["exact", "histogram"]
    extremes: Literal["bounds"] | None = None


class Figures(msgspec.Struct, kw_only=True):
    """Runs of a window: submissions by their time, outcomes and durations by finish.

    `failures` are failed, timed out and lost ones. `success_rate` is that of the finished runs but cancelled ones, null
    where none finished.
    """

    submitted: int
    succeeded: int
    failed: int
    timed_out: int
    cancelled: int
    lost: int
    failures: int
    success_rate: Ratio | None
    duration_ms: Spread


def spread_of(values: Sequence[int] | Ints) -> Spread:
    """Describe microseconds exactly."""
    return msgspec.convert(exact(values), Spread)


def spread_from(cell: JobCell) -> Spread:
    """Describe the durations of a cell from its histograms."""
    return msgspec.convert(estimated(cell, OK, BAD, OTHER), Spread)


def figures(cell: JobCell, spread: Spread) -> Figures:
    """Write counts with their durations."""
    failed = cell["failed"] + cell["timed_out"] + cell["lost"]
    return Figures(
        submitted=cell["submitted"],
        succeeded=cell["succeeded"],
        failed=cell["failed"],
        timed_out=cell["timed_out"],
        cancelled=cell["cancelled"],
        lost=cell["lost"],
        failures=failed,
        success_rate=ratio(cell["succeeded"], cell["succeeded"] + failed),
        duration_ms=spread,
    )


def spreads(
    q: Questions, window: Cover, where: Filter, cells: dict[Name, JobCell], groups: Iterable[tuple[Name, ...]]
) -> list[Spread]:
    """Describe the durations of groups of jobs: of single runs, or where those are too many or gone, of histograms.

    The counts of the jobs come without histograms; where they are needed, they are added.
    """
    wanted = list(groups)
    finished = sum(cell["succeeded_count"] + cell["failed_count"] + cell["other_count"] for cell in cells.values())
    if window.sealed or finished > EXACT_UP_TO:
        add_histograms(q, window, where, cells)
        return [spread_from(_added(cells, group)) for group in wanted]
    found = q.lengths(window.window, where)
    return [spread_of(joined(part for job in group for part in found.get(job, ()))) for group in wanted]


def _added(cells: dict[Name, JobCell], jobs: tuple[Name, ...]) -> JobCell:
    if len(jobs) == 1:
        return cells.get(jobs[0], JobCell())
    whole = JobCell()
    for job in jobs:
        whole.add(cells.get(job, JobCell()))
    return whole
