"""Packs and the runs that they are made of, as arrays."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from taskscope.core.packs import SLICE, Ended, Worked, chosen, read, read_runs
from taskscope.core.spans import Ints, Spans, ints
from taskscope.store.sqlite.queries import statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from taskscope.core.intervals import Interval
    from taskscope.core.packs import Pack
    from taskscope.ports import Filter, Name


class SqlitePacks:
    """Reads and writes within the transaction of its connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Work on a connection that has begun its transaction."""
        self._connection = connection
        self._sql = statements("packs")

    def _columns(self, name: str, values: Sequence[int]) -> list[Ints]:
        cursor = self._connection.execute(self._sql[name], values)
        table = ints(list(chain.from_iterable(cursor))).reshape(-1, len(cursor.description))
        return list(table.T)

    # --- runs ---

    def runs(self, window: Interval) -> Worked:
        """Give the runs of less than an hour that were busy in a window."""
        worker, queue, start, end = self._columns("runs", window)
        return Worked(worker, queue, Spans(start, end))

    def long_runs(self, window: Interval) -> Worked:
        """Give the runs of an hour and more that were busy in a window."""
        worker, queue, start, end = self._columns("long_runs", window)
        return Worked(worker, queue, Spans(start, end))

    def open_runs(self, window: Interval) -> Worked:
        """Give the runs without an end, up to their last proof of life."""
        worker, queue, start, end = self._columns("open_runs", window)
        return Worked(worker, queue, Spans(start, end))

    def ends(self, window: Interval) -> Ended:
        """Give the ends of runs that lie in a window."""
        return Ended(*self._columns("ends", window))

    def workers(self) -> dict[int, Name]:
        """Give the names of all workers by their numbers."""
        found = self._connection.execute("SELECT id, service, name FROM name WHERE kind = 'worker'")
        return {number: (service, name) for number, service, name in found}

    def queues(self, where: Filter) -> list[int] | None:
        """Give the numbers of the queues that a question is about; None stands for all there are."""
        if where.services is None and where.queues is None:
            return None
        found = self._connection.execute("SELECT id, service, name FROM name WHERE kind = 'queue'")
        return chosen(found, where.services, where.queues)

    # --- packs ---

    def unpacked(self, window: Interval) -> list[Interval]:
        """Give the slices in which something changed since they were packed, as intervals in any order."""
        bounds = (window[0] // SLICE, -(-window[1] // SLICE))
        found = self._connection.execute(self._sql["unpacked"], bounds)
        return [(first * SLICE, (last + 1) * SLICE) for first, last in found]

    def packs(self, window: Interval, queues: Sequence[int]) -> Iterator[tuple[int, int, Pack]]:
        """Yield (start, queue, pack) of the slices that begin in a window; queue 0 stands for all."""
        query = self._sql["packs"] + f" AND queue IN ({','.join('?' * len(queues))})"
        for start, queue, summary in self._connection.execute(query, (*window, *queues)):
            yield start, queue, read(summary)

    def packed_runs(self, window: Interval, workers: Ints | None = None) -> Iterator[Worked]:
        """Yield the runs (of some workers) of each slice that begins in a window; they are clipped to their slice."""
        for start, runs in self._connection.execute(self._sql["packed_runs"], window):
            yield read_runs(start, runs, workers)

    def stored(self, window: Interval) -> dict[tuple[int, int], tuple[bytes, bytes | None]]:
        """Give (pack, runs) as they are kept by (start, queue), of the slices that begin in a window."""
        return {row[:2]: row[2:] for row in self._connection.execute(self._sql["stored"], window)}

    def touched(self) -> list[int]:
        """Give the numbers of all slices that are packed or that a run touches, in order."""
        found = self._connection.execute(self._sql["touched"])
        return sorted({number for first, last in found for number in range(first, last + 1)})

    # --- packing ---

    def oldest(self, before: int) -> int | None:
        """Give the start of the first slice that is to be packed and that ends before an instant."""
        [first] = self._connection.execute(self._sql["oldest_unpacked"], (before // SLICE,)).fetchone()
        return None if first is None else first * SLICE

    def save(self, window: Interval, made: Mapping[int, tuple[Mapping[int, bytes], bytes]]) -> None:
        """Replace the packs of whole slices: (packs by queue, runs) by start."""
        self._connection.execute(self._sql["drop_packs"], window)
        lines: list[tuple[Any, ...]] = [
            (start, queue, summary, None if queue else runs)
            for start, (packs, runs) in made.items()
            for queue, summary in packs.items()
        ]
        self._connection.executemany(self._sql["save_pack"], lines)
        self._connection.execute(self._sql["drop_unpacked"], (window[0] // SLICE, window[1] // SLICE))
