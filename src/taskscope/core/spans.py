"""Many intervals at once, as arrays: laid out over cells, merged, and the height that they reach.

The same arithmetic as in `taskscope.core.intervals`, for questions about millions of runs. Where the intervals of
several workers are kept apart, each worker has a stretch of its own on one line: whatever is done to the line is done
to all of them, and nothing reaches from one stretch into another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taskscope.core.clock import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Spans(NamedTuple):
    """Half-open intervals `[start, end)` in any order; those that are empty count nowhere."""

    start: Ints
    end: Ints

    def clipped(self, low: int, high: int) -> Spans:
        """Keep what lies inside of a window, interval by interval; what lies outside becomes empty."""
        start = np.clip(self.start, low, high)
        return Spans(start, np.maximum(start, np.clip(self.end, low, high)))

    def shifted(self, by: Ints) -> Spans:
        """Move each interval."""
        return Spans(self.start + by, self.end + by)


def ints(values: object) -> Ints:
    """Make an array of whole numbers; of nothing too, which NumPy would take for fractions."""
    return np.asarray(values, np.int64)


NO_SPANS = Spans(ints([]), ints([]))


def together(*parts: Spans) -> Spans:
    """Put collections of intervals into one."""
    return Spans(np.concatenate([p.start for p in parts]), np.concatenate([p.end for p in parts]))


def fill(spans: Spans, width: int, cells: int) -> Ints:
    """Sum up how much of each cell `[n * width, (n + 1) * width)` the intervals cover, n below `cells`.

    All of them lie inside. An interval adds its parts to its first and last cell, and one level to those between.
    """
    some = spans.end > spans.start
    start, end = spans.start[some], spans.end[some]
    first, last = start // width, (end - 1) // width
    total = np.zeros(cells + 1, np.int64)
    np.add.at(total, first, np.minimum(end, (first + 1) * width) - start)
    across = last > first
    if across.any():
        first, last, end = first[across], last[across], end[across]
        np.add.at(total, last, end - last * width)
        level = np.zeros(cells + 1, np.int64)
        np.add.at(level, first + 1, 1)
        np.add.at(level, last, -1)
        total += np.cumsum(level) * width
    return total[:cells]


def merged(spans: Spans) -> Spans:
    """Merge intervals into disjoint ones, in order; those that touch become one, empty ones vanish."""
    some = spans.end > spans.start
    start, end = spans.start[some], spans.end[some]
    if not start.size:
        return NO_SPANS
    order = np.argsort(start, kind="stable")
    start, reach = start[order], np.maximum.accumulate(end[order])
    begins = np.flatnonzero(np.concatenate([[True], start[1:] > reach[:-1]]))
    return Spans(start[begins], reach[np.concatenate([begins[1:] - 1, [start.size - 1]])])


def highest(spans: Spans) -> tuple[int, int | None]:
    """Find the greatest number of intervals that overlap, and the first instant of it.

    Ends come before starts; without any interval the answer is `(0, None)`.
    """
    some = spans.end > spans.start
    if not some.any():
        return 0, None
    start, end = np.sort(spans.start[some]), np.sort(spans.end[some])
    level = np.arange(1, start.size + 1) - np.searchsorted(end, start, side="right")
    at = int(np.argmax(level))
    return int(level[at]), int(start[at])


def steps(spans: Spans) -> tuple[Ints, Ints]:
    """Give the instants at which the number of overlapping intervals changes, and the number from each on."""
    some = spans.end > spans.start
    times = np.concatenate([spans.start[some], spans.end[some]])
    change = np.concatenate([np.ones(int(some.sum()), np.int64), np.full(int(some.sum()), -1, np.int64)])
    instants, where = np.unique(times, return_inverse=True)
    total = np.zeros(instants.size, np.int64)
    np.add.at(total, where, change)
    return instants, np.cumsum(total)


def to_texts(times: Sequence[int]) -> list[str]:
    """Write many instants as `to_text` does."""
    if any(time % 1000 for time in times):
        return [to_text(time) for time in times]
    texts: list[str] = np.datetime_as_string(ints(times).astype("datetime64[us]"), unit="ms").tolist()
    return [text + "Z" for text in texts]
