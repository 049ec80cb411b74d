"""Half-open intervals `[start, end)` of microseconds, and the hierarchy of minutes, hours and days.

A run's busy time must cost a bounded number of cells, whatever its length: a run of 145 days covers 208,800 minutes.
So a cell holds two numbers. `partial` is the time of intervals that begin or end inside of it. `level` is a change: +1
at the first cell that an interval covers whole, -1 at the cell behind the last one; it is valid inside the parent
only (minutes within their hour, hours within their day), since what covers the parent whole is kept there. Days stand
for themselves. An interval costs at most twelve rows and one a whole day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope.core.clock import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Interval = tuple[int, int]

WIDTHS = (MINUTE, HOUR, DAY)
"""The granularities of cells, by their number: 0 minute, 1 hour, 2 day."""


def overlap(a: Interval, b: Interval) -> int:
    """Measure the common part of two intervals."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Merge intervals into disjoint ones, in order; those that touch become one, empty ones vanish."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def length(intervals: Iterable[Interval]) -> int:
    """Measure the total length of intervals that are disjoint."""
    return sum(end - start for start, end in intervals)


def clip(intervals: Iterable[Interval], window: Interval) -> list[Interval]:
    """Keep what lies inside of the window."""
    low, high = window
    return [(max(start, low), min(end, high)) for start, end in intervals if min(end, high) > max(start, low)]


def minus(intervals: Iterable[Interval], others: Iterable[Interval]) -> int:
    """Measure the part of disjoint `intervals` that no other interval covers."""
    kept = list(intervals)
    covered = sum(length(clip(others_merged, one)) for others_merged in [union(others)] for one in kept)
    return length(kept) - covered


def spread(start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Lay an interval out over cells, as `(granularity, cell start, partial, level)`.

    Its whole days are rows of the day; what is left at both ends is laid out over hours, what those leave over
    minutes. A coarser granularity also holds the partial time of what lies below it, so that it can answer alone.
    """
    if end <= start:
        return
    for granularity, width in enumerate(WIDTHS):
        yield from _partials(start, end, granularity, width)
        first, after = -(-start // width) * width, end // width * width
        if first >= after:
            continue
        if granularity == len(WIDTHS) - 1:
            yield from ((granularity, day, 0, 1) for day in range(first, after, width))
        else:
            yield from _levels(first, after, granularity, WIDTHS[granularity + 1])


def _partials(start: int, end: int, granularity: int, width: int) -> Iterator[tuple[int, int, int, int]]:
    first, last = start // width * width, end // width * width
    if first == last:
        yield granularity, first, end - start, 0
        return
    if start > first:
        yield granularity, first, first + width - start, 0
    if end > last:
        yield granularity, last, end - last, 0


def _levels(first: int, after: int, granularity: int, parent: int) -> Iterator[tuple[int, int, int, int]]:
    """Mark the whole cells `first .. after` that lie in parents which are not covered whole."""
    outer_first, outer_after = -(-first // parent) * parent, after // parent * parent
    pieces = [(first, after)] if outer_first > outer_after else [(first, outer_first), (outer_after, after)]
    for low, high in pieces:
        if low < high:
            yield granularity, low, 0, 1
            if high % parent:
                yield granularity, high, 0, -1


def gather(rows: Mapping[tuple[int, int], tuple[int, int]], granularity: int, window: Interval) -> dict[int, int]:
    """Read the busy time of each cell of a window back from the rows that `spread` made, summed.

    Parameters
    ----------
    rows
        `(granularity, cell start) -> (sum of partial, sum of level)`, of this granularity and of all coarser ones,
        complete for every day that the window touches.
    granularity
        The number of the granularity of the answer.
    window
        Aligned to it.

    Returns
    -------
    Busy microseconds per cell start; cells without any are left out.
    """
    width = WIDTHS[granularity]
    busy = {start: partial for (kind, start), (partial, _) in rows.items() if kind == granularity and partial}
    for kind in range(granularity, len(WIDTHS)):
        for low, high, level in _steady(rows, kind):
            for start in range(max(low, window[0]), min(high, window[1]), width):
                busy[start] = busy.get(start, 0) + level * width
    return {start: time for start, time in busy.items() if window[0] <= start < window[1] and time}


def _steady(rows: Mapping[tuple[int, int], tuple[int, int]], kind: int) -> Iterator[tuple[int, int, int]]:
    """Yield the stretches of constant level of one granularity, as `(start, end, level)`."""
    changes = sorted((start, level) for (k, start), (_, level) in rows.items() if k == kind and level)
    if kind == len(WIDTHS) - 1:
        yield from ((start, start + WIDTHS[kind], level) for start, level in changes)
        return
    parent = WIDTHS[kind + 1]
    level = 0
    for position, (start, change) in enumerate(changes):
        level = change if not position or changes[position - 1][0] // parent != start // parent else level + change
        end = start // parent * parent + parent
        if position + 1 < len(changes):
            end = min(end, changes[position + 1][0])
        if level:
            yield start, end, level


def peak(intervals: Iterable[Interval], window: Interval) -> tuple[int, int | None]:
    """Find the greatest number of intervals that overlap inside of the window, and the first instant of it.

    Ends come before starts, empty intervals count nowhere; without any interval the answer is `(0, None)`.
    """
    edges: list[tuple[int, int]] = []
    for start, end in clip(intervals, window):
        edges += [(start, 1), (end, -1)]
    best, best_at, level = 0, None, 0
    for time, change in sorted(edges):
        level += change
        if level > best:
            best, best_at = level, time
    return best, best_at
