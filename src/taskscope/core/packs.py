"""What a slice of time says of its workers, ready to be read: a function of the runs that were busy in it.

Busy minutes by worker can be added up from cells, but idle time and peak concurrency can't, and both are asked about
millions of runs at once. A pack holds the answer for ten minutes: of all queues, and of each queue alone. It is never
added to: a change of a run in its slice makes it void, until it is made anew from the runs. Runs of an hour and more
are in no pack: they are few, and the end of one would make many packs void.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from taskscope.core.clock import HOUR, MINUTE
from taskscope.core.spans import Ints, Mask, Spans, fill, highest, ints, merged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

SLICE = 10 * MINUTE
LONG = HOUR
"""Runs of this length and more are in no pack."""
_MINUTES = SLICE // MINUTE
_HEAD = 3 + 2 * _MINUTES
_RUN = np.dtype([("worker", "<i4"), ("queue", "<i4"), ("start", "<u4"), ("end", "<u4")])


class Worked(NamedTuple):
    """Runs with the numbers of their workers and queues, and when they were busy."""

    worker: Ints
    queue: Ints
    spans: Spans

    def only(self, chosen: Mask) -> Worked:
        """Choose some."""
        return Worked(self.worker[chosen], self.queue[chosen], Spans(self.spans.start[chosen], self.spans.end[chosen]))


class Ended(NamedTuple):
    """Ends of runs: the numbers of their queues, when, and whether they succeeded."""

    queue: Ints
    finish: Ints
    succeeded: Ints

    def only(self, chosen: Mask) -> Ended:
        """Choose some."""
        return Ended(self.queue[chosen], self.finish[chosen], self.succeeded[chosen])


class Pack(NamedTuple):
    """What a slice says.

    Attributes
    ----------
    peak, peak_at
        The greatest number of runs side by side, and the first instant of it; -1 where there is none.
    finished, succeeded
        How many runs ended in each minute, of any length.
    workers, covered
        The workers that were busy, and the length of the union of their busy intervals.
    busy
        A row a worker: the sum of its busy time in each minute.
    """

    peak: int
    peak_at: int
    finished: Ints
    succeeded: Ints
    workers: Ints
    covered: Ints
    busy: Ints


def make(start: int, runs: Worked, ends: Ended) -> dict[int, bytes]:
    """Make the packs of a slice, by queue; number 0 stands for all of them.

    Returns
    -------
    As `read` takes them; nothing at all when there are neither runs nor ends.
    """
    found = {}
    inside = runs.only((runs.spans.start < start + SLICE) & (runs.spans.end > start))
    for queue in [0, *np.union1d(inside.queue, ends.queue).tolist()]:
        some = inside if queue == 0 else inside.only(inside.queue == queue)
        own = ends if queue == 0 else ends.only(ends.queue == queue)
        if some.worker.size or own.finish.size:
            found[queue] = _write(_pack(start, some, own))
    return found


def _pack(start: int, runs: Worked, ends: Ended) -> Pack:
    spans = runs.spans.clipped(start, start + SLICE)
    peak, peak_at = highest(spans)
    workers, row = np.unique(runs.worker, return_inverse=True)
    line = spans.shifted(row * SLICE - start)
    covered = fill(merged(line), SLICE, workers.size)
    busy = fill(line, MINUTE, workers.size * _MINUTES).reshape(-1, _MINUTES)
    minute = (ends.finish - start) // MINUTE
    return Pack(
        peak,
        -1 if peak_at is None else peak_at,
        np.bincount(minute, minlength=_MINUTES),
        np.bincount(minute[ends.succeeded > 0], minlength=_MINUTES),
        workers,
        covered,
        busy,
    )


def _write(pack: Pack) -> bytes:
    head = [pack.workers.size, pack.peak, pack.peak_at]
    parts = [head, pack.finished, pack.succeeded, pack.workers, pack.covered, pack.busy.ravel()]
    return np.concatenate([ints(part) for part in parts]).astype("<i8").tobytes()


def read(packed: bytes) -> Pack:
    """Read what `make` gave."""
    values = np.frombuffer(packed, "<i8")
    size, peak, peak_at = values[:3].tolist()
    covered, busy = _HEAD + size, _HEAD + 2 * size
    return Pack(
        peak,
        peak_at,
        values[3 : 3 + _MINUTES],
        values[3 + _MINUTES : _HEAD],
        values[_HEAD:covered],
        values[covered:busy],
        values[busy:].reshape(size, _MINUTES),
    )


def write_runs(start: int, runs: Worked) -> bytes:
    """Write the runs of a slice, clipped to it: equal runs give equal bytes, whatever their order."""
    spans = runs.spans.clipped(start, start + SLICE)
    some = spans.end > spans.start
    columns = (runs.worker[some], runs.queue[some], spans.start[some] - start, spans.end[some] - start)
    order = np.lexsort((columns[1], columns[3], columns[2], columns[0]))
    table = np.empty(order.size, _RUN)
    for name, column in zip(_RUN.names or (), columns, strict=True):
        table[name] = column[order]
    return table.tobytes()


def read_runs(start: int, packed: bytes, workers: Ints | None = None) -> Worked:
    """Read what `write_runs` wrote, by worker; only those of some workers if given, in order of their numbers."""
    table = np.frombuffer(packed, _RUN)
    if workers is not None:
        bounds = np.searchsorted(table["worker"], np.concatenate([workers, workers + 1]))
        parts = [table[low:high] for low, high in bounds.reshape(2, -1).T.tolist()]
        table = np.concatenate(parts) if parts else table[:0]
    spans = Spans(table["start"].astype(np.int64) + start, table["end"].astype(np.int64) + start)
    return Worked(table["worker"].astype(np.int64), table["queue"].astype(np.int64), spans)


def chosen(
    queues: Iterable[tuple[int, str, str]], services: Collection[str] | None, names: Collection[str] | None
) -> list[int] | None:
    """Choose queues, given as (number, service, name), by service and name; None stands for all there are."""
    known = list(queues)
    found = [
        number
        for number, service, name in known
        if (services is None or service in services) and (names is None or name in names)
    ]
    return found if len(found) < len(known) else None
