"""Durations and waits: exact where the runs are at hand, else from histograms within 1 %."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.core import lifecycle, sketch
from taskscope.core.cells import BAD, OK, OTHER, WAIT
from taskscope.core.clock import ms
from taskscope.core.percentile import percentile
from taskscope.stats.counts import count, total
from taskscope.stats.windows import cover

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.core.cells import JobCell
    from taskscope.ports import Filter, Store

EXACT_UP_TO = 200_000
"""How many runs of a window are looked at one by one."""
DEFAULT_LAST = 1000

_QUANTILES = (0.50, 0.95, 0.99)
_SUMS = {OK: "succeeded", BAD: "failed", OTHER: "other", WAIT: "wait"}

Answer = dict[str, Any]


def exact(values: Sequence[int]) -> Answer:
    """Describe microsecond values by their mean, extremes and interpolated percentiles, in milliseconds."""
    if not values:
        return _nothing("exact")
    ordered = sorted(values)
    p50, p95, p99 = (percentile(ordered, q) / 1000 for q in _QUANTILES)
    return {
        "count": len(ordered),
        "avg": sum(ordered) / len(ordered) / 1000,
        "min": ms(ordered[0]),
        "max": ms(ordered[-1]),
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "method": "exact",
    }


def estimated(cell: JobCell, *kinds: int) -> Answer:
    """Describe the durations of a cell: the mean exactly, the percentiles within 1 %, the extremes by bucket bounds.

    `extremes` says that `min` and `max` are bounds: no run was shorter or longer.
    """
    histogram = cell.durations(*kinds)
    number = sketch.total(histogram)
    if not number:
        return _nothing("histogram")
    p50, p95, p99 = (value / 1000 for value in sketch.quantiles(histogram, _QUANTILES))
    return {
        "count": number,
        "avg": sum(cell[f"{_SUMS[kind]}_us"] for kind in kinds) / number / 1000,
        "min": ms(sketch.bounds(min(histogram))[0]),
        "max": ms(sketch.bounds(max(histogram))[1]),
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "method": "histogram",
        "extremes": "bounds",
    }


def _nothing(method: str) -> Answer:
    return {"count": 0, **dict.fromkeys(("avg", "min", "max", "p50", "p95", "p99")), "method": method}


def percentiles(
    store: Store,
    where: Filter,
    *,
    last: int | None = None,
    start: int | None = None,
    end: int | None = None,
    force_exact: bool = False,
) -> Answer:
    """Answer how long runs took: the newest `last` of them, or those that finished in a window.

    Without `last` and without a window it is the newest 1,000. Numbers are in milliseconds.

    Returns
    -------
    count, p50, p95, p99, avg, min, max, method; `count` says how many runs there really were.
    """
    with store.questions() as q:
        if start is None and end is None:
            return exact([duration for _, duration, _ in q.durations(None, where, last or DEFAULT_LAST)])
        window = cover(q, start, end)
        if last is not None:
            return exact([duration for _, duration, _ in q.durations(window.window, where, last)])
        cell = total(count(q, window, where))
        many = sum(cell[f"{_SUMS[kind]}_count"] for kind in (OK, BAD, OTHER)) > EXACT_UP_TO
        if window.sealed or (many and not force_exact):
            return estimated(cell, OK, BAD, OTHER)
        return exact([duration for _, duration, _ in q.durations(window.window, where, None)])


CLASSES: dict[str, tuple[tuple[int, ...], str | None]] = {
    "duration_ms": ((OK, BAD, OTHER), None),
    "duration_ms_succeeded": ((OK,), lifecycle.SUCCEEDED),
    "duration_ms_failed": ((BAD,), lifecycle.FAILED_OUTCOME),
}
"""The duration blocks of an answer: their histograms, and the outcome that their runs have."""
