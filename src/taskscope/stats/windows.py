"""Windows of time: which cells cover one whole, and which edges are left for single runs.

A question about `[start, end)` reads days where whole days lie inside, hours where whole hours are left, minutes
where whole minutes are; what remains at both edges is shorter than a minute and is read from the runs themselves.
Where retention has dropped runs or finer cells, the edges are widened to what is kept, and the answer says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from taskscope.core.clock import DAY, MINUTE
from taskscope.core.intervals import WIDTHS

if TYPE_CHECKING:
    from taskscope.core.intervals import Interval
    from taskscope.ports import Questions


class Cover(NamedTuple):
    """A window cut into cells and edges.

    Attributes
    ----------
    window
        What is answered, after widening.
    cells
        (granularity, interval) of whole cells.
    edges
        What no whole cell covers, each shorter than a minute.
    sealed
        Whether tasks that count in it are gone, so that single runs can't tell everything.
    """

    window: Interval
    cells: list[tuple[int, Interval]]
    edges: list[Interval]
    sealed: bool


def cover(q: Questions, start: int | None, end: int | None) -> Cover:
    """Cut a window; an open side reaches to where there is anything."""
    span = q.span() or (0, 0)
    low = span[0] if start is None else start
    high = max(span[1], low) if end is None else end
    sealed = q.is_sealed((low, high))
    if sealed or q.finest((low, high)):
        low = low // _width(q, low) * _width(q, low)
        high = -(-high // _width(q, high)) * _width(q, high)
    inner = (max(low, span[0]), min(high, span[1]))
    whole = (-(-inner[0] // MINUTE) * MINUTE, inner[1] // MINUTE * MINUTE)
    if whole[0] >= whole[1]:
        return Cover((low, high), [], [inner] if inner[0] < inner[1] else [], sealed)
    edges = [edge for edge in ((inner[0], whole[0]), (whole[1], inner[1])) if edge[0] < edge[1]]
    return Cover((low, high), decompose(whole), edges, sealed)


def _width(q: Questions, instant: int) -> int:
    """Give the width of the finest cells that are kept on the day of an instant."""
    return WIDTHS[q.finest((instant, instant + 1))]


def decompose(window: Interval) -> list[tuple[int, Interval]]:
    """Cut a window of whole minutes into whole days, hours and minutes, as few cells as there are."""
    pieces: list[tuple[int, Interval]] = []
    rest = [window]
    for granularity in (2, 1, 0):
        width = WIDTHS[granularity]
        left: list[Interval] = []
        for low, high in rest:
            first, last = -(-low // width) * width, high // width * width
            if first >= last:
                left.append((low, high))
                continue
            pieces.append((granularity, (first, last)))
            left += [piece for piece in ((low, first), (last, high)) if piece[0] < piece[1]]
        rest = left
    return pieces


def days_around(window: Interval) -> Interval:
    """Give the whole days that a window touches."""
    return window[0] // DAY * DAY, -(-window[1] // DAY) * DAY
