"""Packing: what slices of time say of their workers is written down, so that questions need not look at their runs.

It is a matter of speed alone. A slice that is not packed, or in which something changed since, is answered from its
runs; and a pack holds nothing that they do not say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope.core.clock import MINUTE
from taskscope.core.packs import LONG, SLICE, make, write_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskscope.core.intervals import Interval
    from taskscope.ports import Packs, Store

SETTLED = 2 * MINUTE
"""How long after its end a slice is packed: until then, facts of it still come in."""
_AT_ONCE = LONG + SLICE
"""How much is packed in a transaction: whatever a run of a pack can touch, so that each range ends within one."""

Made = dict[int, tuple[dict[int, bytes], bytes]]


def pack(store: Store, now: int, limit: int | None = None) -> int:
    """Pack the slices that changed and have ended, the oldest first.

    Parameters
    ----------
    now
        Slices that ended less than two minutes before it stay as they are.
    limit
        How many transactions at most, each of an hour; None until all is packed.

    Returns
    -------
    How many slices were packed.
    """
    count, rounds = 0, 0
    while limit is None or rounds < limit:
        with store.packs() as packs:
            start = packs.oldest(now - SETTLED)
            if start is None:
                break
            end = min(start + _AT_ONCE, (now - SETTLED) // SLICE * SLICE)
            packs.save((start, end), made(packs, (start, end)))
        count += (end - start) // SLICE
        rounds += 1
    return count


def made(packs: Packs, window: Interval) -> Made:
    """Make the packs of the slices of a window."""
    runs, ends = packs.runs(window), packs.ends(window)
    found: Made = {}
    for start in range(*window, SLICE):
        inside = (runs.spans.start < start + SLICE) & (runs.spans.end > start)
        some = runs.only(inside)
        own = (ends.finish >= start) & (ends.finish < start + SLICE)
        by_queue = make(start, some, ends.only(own))
        if by_queue:
            found[start] = by_queue, write_runs(start, some)
    return found


def differences(packs: Packs) -> Iterator[tuple[int, int, object, object]]:
    """Yield (start, queue, stored, expected) of the packs that do not say what the runs say.

    Slices that are to be packed anew may say anything.
    """
    slices = packs.touched()
    while slices:
        window = (slices[0] * SLICE, slices[0] * SLICE + _AT_ONCE)
        void = {number for low, high in packs.unpacked(window) for number in range(low // SLICE, high // SLICE)}
        expected: dict[tuple[int, int], tuple[bytes, bytes | None]] = {
            (start, queue): (summary, None if queue else runs)
            for start, (by_queue, runs) in made(packs, window).items()
            for queue, summary in by_queue.items()
        }
        stored = packs.stored(window)
        for place in sorted(expected.keys() | stored.keys()):
            if place[0] // SLICE not in void and stored.get(place) != expected.get(place):
                yield *place, stored.get(place), expected.get(place)
        slices = [number for number in slices if number * SLICE >= window[1]]
