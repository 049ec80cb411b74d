"""Packs and the runs that they are made of, as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from taskscope.core.packs import SLICE, Ended, Worked, chosen, read, read_runs
from taskscope.core.spans import Ints, Spans
from taskscope.store.postgres import rows
from taskscope.store.postgres.queries import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from taskscope.core.intervals import Interval
    from taskscope.core.packs import Pack
    from taskscope.ports import Filter, Name
    from taskscope.store.postgres.connection import Connection


class PostgresPacks:
    """Reads and writes within the transaction of its connection."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection that has begun its transaction."""
        self._connection = connection
        self._sql = statements("packs")

    def _rows(self, name: str, values: Sequence[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(self._sql[name], values, binary=True)
        return cursor.fetchall() if cursor.description else []

    def _columns(self, name: str, window: Interval, width: int) -> list[Ints]:
        [[packed]] = self._rows(name, {"start": window[0], "end": window[1]})
        table = np.frombuffer(packed or b"", ">i8").astype(np.int64).reshape(-1, width)
        return list(table.T)

    # --- runs ---

    def runs(self, window: Interval) -> Worked:
        """Give the runs of less than an hour that were busy in a window."""
        return self._worked("runs", window)

    def long_runs(self, window: Interval) -> Worked:
        """Give the runs of an hour and more that were busy in a window."""
        return self._worked("long_runs", window)

    def open_runs(self, window: Interval) -> Worked:
        """Give the runs without an end, up to their last proof of life, that were busy in a window."""
        return self._worked("open_runs", window)

    def _worked(self, name: str, window: Interval) -> Worked:
        worker, queue, start, end = self._columns(name, window, 4)
        return Worked(worker, queue, Spans(start, end))

    def ends(self, window: Interval) -> Ended:
        """Give the ends of runs that lie in a window."""
        return Ended(*self._columns("ends", window, 3))

    def workers(self) -> dict[int, Name]:
        """Give the names of all workers by their numbers."""
        return {number: (service, name) for number, service, name in self._rows("names", ["worker"])}

    def queues(self, where: Filter) -> list[int] | None:
        """Give the numbers of the queues that a question is about; None stands for all there are."""
        if where.services is None and where.queues is None:
            return None
        return chosen(self._rows("names", ["queue"]), where.services, where.queues)

    # --- packs ---

    def unpacked(self, window: Interval) -> list[Interval]:
        """Give the slices in which something changed since they were packed, as intervals in any order."""
        bounds = {"start": window[0] // SLICE, "end": -(-window[1] // SLICE)}
        return [(first * SLICE, (last + 1) * SLICE) for first, last in self._rows("unpacked", bounds)]

    def packs(self, window: Interval, queues: Sequence[int]) -> Iterator[tuple[int, int, Pack]]:
        """Yield (start, queue, pack) of the slices that begin in a window; queue 0 stands for all."""
        for start, queue, summary in self._rows("packs", (*window, list(queues))):
            yield start, queue, read(summary)

    def packed_runs(self, window: Interval, workers: Ints | None = None) -> Iterator[Worked]:
        """Yield the runs (of some workers) of each slice that begins in a window; they are clipped to their slice."""
        for start, runs in self._rows("packed_runs", {"start": window[0], "end": window[1]}):
            yield read_runs(start, runs, workers)

    def stored(self, window: Interval) -> dict[tuple[int, int], tuple[bytes, bytes | None]]:
        """Give (pack, runs) as they are kept by (start, queue), of the slices that begin in a window."""
        return {(start, queue): (pack, runs) for start, queue, pack, runs in self._rows("stored", window)}

    def touched(self) -> list[int]:
        """Give the numbers of all slices that are packed or that a run touches, in order."""
        return sorted({number for first, last in self._rows("touched", ()) for number in range(first, last + 1)})

    # --- packing ---

    def oldest(self, before: int) -> int | None:
        """Give the start of the first slice that is to be packed and that ends before an instant."""
        found = self._rows("oldest_unpacked", (before // SLICE,))
        return found[0][0] * SLICE if found else None

    def save(self, window: Interval, made: Mapping[int, tuple[Mapping[int, bytes], bytes]]) -> None:
        """Replace the packs of whole slices: (packs by queue, runs) by start."""
        self._rows("drop_packs", window)
        lines = [
            (start, queue, summary, None if queue else runs)
            for start, (packs, runs) in made.items()
            for queue, summary in packs.items()
        ]
        if lines:
            self._rows("save_packs", rows.columns(lines))
        self._rows("drop_unpacked", (window[0] // SLICE, window[1] // SLICE))
