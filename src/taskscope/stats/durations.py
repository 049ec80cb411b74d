"""Durations and waits: exact where the runs are at hand, else from histograms within 1 %."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from taskscope.core import sketch
from taskscope.core.cells import BAD, OK, OTHER, WAIT
from taskscope.core.clock import ms
from taskscope.core.percentile import interpolate
from taskscope.core.spans import Ints, ints
from taskscope.stats.counts import add_histograms, count, total
from taskscope.stats.windows import cover

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from taskscope.core.cells import JobCell
    from taskscope.ports import Filter, Store

EXACT_UP_TO = 200_000
"""How many runs of a window are looked at one by one."""
DEFAULT_LAST = 1000

_QUANTILES = (0.50, 0.95, 0.99)
_SUMS = {OK: "succeeded", BAD: "failed", OTHER: "other", WAIT: "wait"}

Answer = dict[str, Any]


def exact(values: Sequence[int] | Ints) -> Answer:
    """Describe microsecond values by their mean, extremes and interpolated percentiles, in milliseconds."""
    ordered = np.sort(ints(values))
    if not ordered.size:
        return _nothing("exact")

    def at(rank: int) -> int:
        return int(ordered[rank])

    p50, p95, p99 = (interpolate(ordered.size, q, at) / 1000 for q in _QUANTILES)
    return {
        "count": ordered.size,
        "avg": _sum(ordered) / ordered.size / 1000,
        "min": ms(at(0)),
        "max": ms(at(-1)),
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "method": "exact",
    }


def _sum(ordered: Ints) -> int:
    """Add up values, also where the sum does not fit into 64 bits."""
    fits = int(ordered[-1]) * ordered.size < 1 << 63
    return int(ordered.sum()) if fits else sum(ordered.tolist())


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
        counts = count(q, window, where, histograms=False)
        cell = total(counts)
        many = sum(cell[f"{_SUMS[kind]}_count"] for kind in (OK, BAD, OTHER)) > EXACT_UP_TO
        if window.sealed or (many and not force_exact):
            add_histograms(q, window, where, counts)
            return estimated(total(counts), OK, BAD, OTHER)
        return exact(joined(of for lengths in q.lengths(window.window, where).values() for of in lengths))


def joined(parts: Iterable[Ints]) -> Ints:
    """Put values together."""
    return np.concatenate([ints([]), *parts])


CLASSES: dict[str, tuple[int, ...]] = {
    "duration_ms": (OK, BAD, OTHER),
    "duration_ms_succeeded": (OK,),
    "duration_ms_failed": (BAD,),
}
"""The duration blocks of an answer: the kinds of their runs."""
