"""What a store says of busy time in arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from taskscope.core.intervals import Interval
    from taskscope.core.packs import Ended, Pack, Worked
    from taskscope.core.plain_columns import Ints
    from taskscope.ports.rows import Filter, Name


class Packs(Protocol):
    """What a store says of busy time in arrays, and the packs that it keeps of it, see `taskscope.core.packs`.

    Numbers of workers and queues are the store's own.
    """

    def runs(self, window: Interval) -> Worked:
        """Give the runs of less than an hour that were busy in a window."""

    def long_runs(self, window: Interval) -> Worked:
        """Give the runs of an hour and more that were busy in a window."""

    def open_runs(self, window: Interval) -> Worked:
        """Give the runs without an end, up to their last proof of life, that were busy in a window."""

    def ends(self, window: Interval) -> Ended:
        """Give the ends of runs that lie in a window."""

    def workers(self) -> dict[int, Name]:
        """Give the names of all workers by their numbers."""

    def queues(self, where: Filter) -> list[int] | None:
        """Give the numbers of the queues that a question is about; None stands for all there are."""

    def unpacked(self, window: Interval) -> list[Interval]:
        """Give the slices in which something changed since they were packed, as intervals in any order."""

    def packs(self, window: Interval, queues: Sequence[int]) -> Iterator[tuple[int, int, Pack]]:
        """Yield (start, queue, pack) of the slices that begin in a window; queue 0 stands for all."""

    def packed_runs(self, window: Interval, workers: Ints | None = None) -> Iterator[Worked]:
        """Yield the runs (of some workers) of each slice that begins in a window; they are clipped to their slice."""

    def touched(self) -> list[int]:
        """Give the numbers of all slices that are packed or that a run touches, in order."""

    def stored(self, window: Interval) -> dict[tuple[int, int], tuple[bytes, bytes | None]]:
        """Give (pack, runs) as they are kept by (start, queue), of the slices that begin in a window."""

    def oldest(self, before: int) -> int | None:
        """Give the start of the first slice that is to be packed and that ends before an instant."""

    def save(self, window: Interval, made: Mapping[int, tuple[Mapping[int, bytes], bytes]]) -> None:
        """Replace the packs of whole slices: (packs by queue, runs) by start."""
