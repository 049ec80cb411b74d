"""Who was busy when, in arrays: from packs where they stand, else from the runs.

A window is cut into slices of ten minutes. Those that are packed and lie inside say all there is to say of their
runs. The edges, and slices in which something changed since, are answered run by run ("loose"), and so are the runs
that are in no pack, long ones and open ones ("over"). Everything is exact: where a pack is too coarse, for a worker
that came or went within its slice, or whose long run began there, its single runs are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from taskscope.core.clock import MINUTE
from taskscope.core.packs import SLICE, Ended, Pack, Worked
from taskscope.core.spans import Ints, Mask, Spans, fill, highest, ints, merged, steps, together

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Packs

ALL_QUEUES = 0
_NO_RUNS = Worked(ints([]), ints([]), Spans(ints([]), ints([])))
_MINUTES = SLICE // MINUTE


class Grid(NamedTuple):
    """A window in buckets; the last one ends with the window."""

    window: Interval
    step: int

    @property
    def size(self) -> int:
        """Count the buckets."""
        return -(-(self.window[1] - self.window[0]) // self.step)

    @property
    def line(self) -> int:
        """Give the length of a worker's stretch on the line of all workers: a bucket more, so that none touches."""
        return (self.size + 1) * self.step

    def filled(self, line: Spans, workers: int) -> Ints:
        """Sum up the intervals on the line by worker and bucket."""
        return fill(line, self.step, workers * (self.size + 1)).reshape(workers, self.size + 1)[:, : self.size]


class _Packed(NamedTuple):
    """The packs of some queues, put together: a row for each worker of each slice."""

    start: Ints
    peak: Ints
    peak_at: Ints
    finished: Ints
    succeeded: Ints
    slice: Ints
    worker: Ints
    covered: Ints
    busy: Ints


class Work:
    """What workers did in a window.

    Attributes
    ----------
    numbers
        The numbers of all workers that were busy, and of those that somebody asks about: their order is that of the
        rows of all arrays.
    """

    def __init__(self, packs: Packs, where: Filter, grid: Grid, asked: Iterable[int], *, use_packs: bool) -> None:
        """Read what the answers need, but for what turns out to need a closer look."""
        self._packs, self._grid = packs, grid
        self._queues = packs.queues(where)
        self._origin = grid.window[0] // SLICE * SLICE
        self._is_packed = self._find_packed(use_packs=use_packs)
        self._loose = _joined([_joined([packs.runs(stretch)], stretch) for stretch in self._stretches()])
        self._ends = [packs.ends(stretch) for stretch in self._stretches()]
        self._take_apart()
        self._over = _joined([packs.long_runs(grid.window), packs.open_runs(grid.window)], grid.window)
        self._all = self._read([ALL_QUEUES])
        self._own = self._all if self._queues is None else self._read(self._queues)
        seen = (ints(list(asked)), self._loose.worker, self._over.worker, self._all.worker)
        self.numbers = np.unique(np.concatenate(seen))

    # --- reading ---

    def _find_packed(self, *, use_packs: bool) -> Mask:
        """Tell which slices are packed, whether or not they lie inside the window."""
        packed = np.full(-(-(self._grid.window[1] - self._origin) // SLICE), use_packs)
        if use_packs:
            for start, end in self._packs.unpacked(self._grid.window):
                packed[max(0, (start - self._origin) // SLICE) : max(0, (end - self._origin) // SLICE)] = False
        return packed

    def _take_apart(self) -> None:
        """Read run by run what the packs are too coarse for: slices at the edges, or all where buckets cut minutes."""
        low, high = self._grid.window
        cut = bool(low % MINUTE or self._grid.step % MINUTE)
        apart = np.full_like(self._is_packed, fill_value=cut)
        apart[0] |= low % SLICE != 0
        apart[-1] |= high % SLICE != 0
        places = np.flatnonzero(self._is_packed & apart)
        # Where all of a window is taken apart, its slices are read together: there may be thousands of them.
        groups = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1 if cut else np.arange(1, len(places)))
        parts = [self._part(int(group[0]), int(group[-1])) for group in groups if len(group)]
        runs = [_joined([*self._packs.packed_runs(self._slices(part))], part) for part in parts]
        self._loose = _joined([self._loose, *runs])
        for part in parts:
            by_minute = not cut and not any(time % MINUTE for time in part)
            self._ends += self._minutes(part) if by_minute else [self._packs.ends(part)]
        self._is_packed &= ~apart

    def _minutes(self, part: Interval) -> list[Ended]:
        """Take what ended in whole minutes of a slice from its packs."""
        found = []
        low, high = ((time - self._slices(part)[0]) // MINUTE for time in part)
        queues = [ALL_QUEUES] if self._queues is None else self._queues
        for start, queue, pack in self._packs.packs(self._slices(part), queues):
            minutes = np.arange(low, high)
            for counts, succeeded in ((pack.finished - pack.succeeded, 0), (pack.succeeded, 1)):
                finish = np.repeat(start + minutes * MINUTE, counts[minutes])
                found.append(Ended(np.full_like(finish, queue), finish, np.full_like(finish, succeeded)))
        return found

    def _part(self, first: int, last: int) -> Interval:
        """Give what lies in the window of some slices that follow each other."""
        start, end = self._origin + first * SLICE, self._origin + (last + 1) * SLICE
        return max(start, self._grid.window[0]), min(end, self._grid.window[1])

    def _slices(self, part: Interval) -> Interval:
        """Widen an interval to whole slices."""
        return part[0] // SLICE * SLICE, -(-part[1] // SLICE) * SLICE

    def _stretches(self) -> list[Interval]:
        """List the parts of the window that no pack covers."""
        change = np.flatnonzero(np.diff(np.concatenate([[True], self._is_packed, [True]])))
        low, high = self._grid.window
        found = (self._origin + change.reshape(-1, 2) * SLICE).tolist()
        return [(max(low, start), min(high, end)) for start, end in found]

    def _read(self, queues: Sequence[int]) -> _Packed:
        found: list[tuple[int, Pack]] = []
        if self._is_packed.any():
            for start, _, pack in self._packs.packs(self._grid.window, queues):
                if self._is_packed[(start - self._origin) // SLICE]:
                    found.append((start, pack))
        starts = ints([start for start, _ in found])
        columns = [[getattr(pack, name) for _, pack in found] for name in Pack._fields]
        peak, peak_at, finished, succeeded, workers, covered, busy = columns
        sizes = [len(one) for one in workers]
        return _Packed(
            starts,
            ints(peak),
            ints(peak_at),
            ints(finished).reshape(-1, _MINUTES),
            ints(succeeded).reshape(-1, _MINUTES),
            np.repeat((starts - self._origin) // SLICE, sizes),
            np.concatenate([ints([]), *workers]),
            np.concatenate([ints([]), *covered]),
            np.concatenate([ints([]).reshape(0, _MINUTES), *busy]),
        )

    def _row(self, worker: Ints) -> Ints:
        return np.searchsorted(self.numbers, worker)

    def _chosen(self, runs: Worked) -> Worked:
        return runs if self._queues is None else runs.only(np.isin(runs.queue, self._queues))

    def on_line(self, worker: Ints, spans: Spans) -> Spans:
        """Put intervals of workers onto the line on which each worker has a stretch as long as the buckets."""
        return spans.shifted(self._row(worker) * self._grid.line - self._grid.window[0])

    # --- busy time and counts ---

    def busy(self) -> Ints:
        """Give the busy time of each worker in each bucket."""
        return self._sum(self._own, [self._chosen(self._loose), self._chosen(self._over)])

    def busy_anywhere(self) -> Ints:
        """Give the same of all queues, whatever is asked for."""
        return self._sum(self._all, [self._loose, self._over])

    def busy_open(self) -> Ints:
        """Give the same of open runs alone."""
        runs = _joined([self._packs.open_runs(self._grid.window)], self._grid.window)
        return self._sum(None, [self._chosen(runs)])

    def _sum(self, packed: _Packed | None, parts: Sequence[Worked]) -> Ints:
        total = np.zeros((self.numbers.size, self._grid.size), np.int64)
        for runs in parts:
            total += self._grid.filled(self.on_line(runs.worker, runs.spans), self.numbers.size)
        if packed is not None:
            minutes = (packed.slice[:, None] * SLICE + np.arange(_MINUTES) * MINUTE) + self._origin
            place = self._row(packed.worker)[:, None] * self._grid.size + self._bucket(minutes)
            np.add.at(total.reshape(-1), place.ravel(), packed.busy.ravel())
        return total

    def _bucket(self, times: Ints) -> Ints:
        return (times - self._grid.window[0]) // self._grid.step

    def ended(self) -> tuple[Ints, Ints]:
        """Count the runs that ended in each bucket, and those that succeeded."""
        finished, succeeded = np.zeros((2, self._grid.size), np.int64)
        minutes = self._bucket(self._own.start[:, None] + np.arange(_MINUTES) * MINUTE)
        np.add.at(finished, minutes.ravel(), self._own.finished.ravel())
        np.add.at(succeeded, minutes.ravel(), self._own.succeeded.ravel())
        for ends in self._ends:
            own = ends if self._queues is None else ends.only(np.isin(ends.queue, self._queues))
            np.add.at(finished, self._bucket(own.finish), 1)
            np.add.at(succeeded, self._bucket(own.finish), own.succeeded)
        return finished, succeeded

    # --- idle time ---

    def covered(self, there: Spans) -> Ints:
        """Measure, for each worker, how long it was there and busy in any queue.

        Parameters
        ----------
        there
            When workers were there: disjoint intervals on the line, in order.

        A cell (worker, slice) is told by the pack when the worker was there all the time and no run lies over it, and
        by the presence when a run lies over all of it. The others are looked at run by run.
        """
        present, over = self._by_slice(there), self._by_slice(self._line_of(self._over))
        inside = self._by_slice(self._whole())
        closer = self._is_packed & (present > 0) & (over < inside) & ((over > 0) | (present < inside))
        total = np.where(self._is_packed & (over == inside), present, 0)
        rows = self._row(self._all.worker)
        whole = (present[rows, self._all.slice] == SLICE) & (over[rows, self._all.slice] == 0)
        np.add.at(total, (rows[whole], self._all.slice[whole]), self._all.covered[whole])
        parts = [self._loose, self._over]
        for place in np.unique(np.nonzero(closer)[1]).tolist():
            start = self._origin + place * SLICE
            parts += self._packs.packed_runs((start, start + SLICE), self.numbers[closer[:, place]])
        looked_at = _joined(parts)
        busy = merged(self.on_line(looked_at.worker, looked_at.spans))
        either = merged(together(there, busy))
        both = present + self._by_slice(busy) - self._by_slice(either)
        result: Ints = (total + np.where(closer | ~self._is_packed, both, 0)).sum(axis=1)
        return result

    def _line_of(self, runs: Worked) -> Spans:
        return merged(self.on_line(runs.worker, runs.spans))

    def _whole(self) -> Spans:
        """Give the window once for each worker."""
        low = np.arange(self.numbers.size, dtype=np.int64) * self._grid.line
        return Spans(low, low + self._grid.window[1] - self._grid.window[0])

    def _by_slice(self, line: Spans) -> Ints:
        """Lay intervals on the line out over the slices of each worker."""
        row = line.start // self._grid.line
        length = self._is_packed.size * SLICE
        moved = line.shifted(row * (length - self._grid.line) + self._grid.window[0] - self._origin)
        shape = (self.numbers.size, self._is_packed.size)
        return fill(moved, SLICE, self.numbers.size * self._is_packed.size).reshape(shape)

    # --- how many at once ---

    def peak(self) -> tuple[int, int | None]:
        """Find the greatest number of runs side by side, and the first instant of it.

        1. Stretches that no pack covers are looked at run by run, with the runs that lie over them.
        2. Where the number of runs over a slice stays the same, the peak of the slice is the pack's and that number.
        3. Elsewhere that sum, with the greatest number over the slice, is a bound: those slices that may be as high as
           the highest so far are looked at run by run.
        """
        over = self._chosen(self._over).spans
        if self._queues is not None and len(self._queues) != 1:
            places = np.flatnonzero(self._is_packed).tolist()
            return highest(together(self._chosen(self._loose).spans, over, *self._single(places)))
        loose = self._chosen(self._loose).spans
        found = [highest(together(*(s.clipped(*part) for s in (loose, over)))) for part in self._stretches()]
        starts = self._origin + np.arange(self._is_packed.size) * SLICE
        peak, peak_at = np.zeros_like(starts), starts.copy()
        at = (self._own.start - self._origin) // SLICE
        peak[at] = self._own.peak
        peak_at[at] = np.where(self._own.peak > 0, self._own.peak_at, starts[at])
        low, high, changes = _levels(over, starts)
        known = self._is_packed & ~changes & (peak + low > 0)
        found += zip((peak + low)[known].tolist(), peak_at[known].tolist(), strict=True)
        best = max((height for height, _ in found), default=0)
        bound = np.where(self._is_packed & changes, peak + high, 0)
        for place in np.argsort(-bound, kind="stable").tolist():
            if bound[place] < max(best, 1):
                break
            found.append(highest(together(over.clipped(*self._part(place, place)), *self._single([place]))))
            best = max(best, found[-1][0])
        return best, min(
            (at for height, at in found if height == best and at is not None), default=None
        ) if best else None

    def _single(self, places: Sequence[int]) -> list[Spans]:
        """Give the busy intervals of the single runs of some slices."""
        parts = [self._part(place, place) for place in places]
        return [self._chosen(runs).spans for part in parts for runs in self._packs.packed_runs(part)]


def _levels(spans: Spans, starts: Ints) -> tuple[Ints, Ints, Mask]:
    """Give the number of intervals at the start of each slice, the greatest in it, and whether it changes within."""
    instants, level = steps(spans)
    level = np.concatenate([[0], level])
    first = np.searchsorted(instants, starts, side="right")
    after = np.searchsorted(instants, starts + SLICE, side="left")
    low = level[first]
    high = low.copy()
    for place in np.flatnonzero(after > first).tolist():
        high[place] = level[first[place] : after[place] + 1].max()
    return low, high, after > first


def _joined(parts: Sequence[Worked], window: Interval | None = None) -> Worked:
    """Put runs together, clipped to a window if there is one."""
    found = [_NO_RUNS, *parts]
    spans = together(*(runs.spans for runs in found))
    return Worked(
        np.concatenate([runs.worker for runs in found]),
        np.concatenate([runs.queue for runs in found]),
        spans if window is None else spans.clipped(*window),
    )
