"""Who was busy and who idled: by bucket of time and by worker."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from taskscope.core.clock import MINUTE, ms, to_text
from taskscope.core.intervals import WIDTHS, gather
from taskscope.core.spans import Ints, Mask, Spans, fill, ints, merged, to_texts
from taskscope.errors import UsageError
from taskscope.stats.gaps import gaps
from taskscope.stats.windows import days_around
from taskscope.stats.working import Grid, Work

if TYPE_CHECKING:
    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Name, PresenceRow, Questions, Store

MAX_BUCKETS = 100_000


def utilization(store: Store, where: Filter, start: int, end: int, step: int = MINUTE) -> dict[str, Any]:
    """Answer how busy workers were between two instants, in buckets of `step` microseconds.

    Whole minutes come from packs (from cells where retention dropped runs), finer steps and edges from single runs.
    Open runs count up to their last proof of life, never until now.

    Raises
    ------
    UsageError
        The window is empty or has more buckets than `MAX_BUCKETS`.
    """
    if start >= end or step <= 0:
        raise UsageError("the window is empty: let --from be before --to, and --step be above zero")
    if (end - start) / step > MAX_BUCKETS:
        raise UsageError(f"that is more than {MAX_BUCKETS} buckets: ask for a shorter window or a longer step")
    with store.questions() as q:
        return _Answer(q, where, Grid(*_aligned(q, start, end, step))).build()


def _aligned(q: Questions, start: int, end: int, step: int) -> tuple[Interval, int]:
    """Widen window and step to what is kept, where runs or fine cells are gone."""
    if not q.is_sealed((start, end)) and not q.finest((start, end)):
        return (start, end), step
    width = WIDTHS[q.finest((start, end))]
    step = -(-step // width) * width
    return (start // width * width, -(-end // width) * width), step


class _Answer:
    """One question being answered."""

    def __init__(self, q: Questions, where: Filter, grid: Grid) -> None:
        self._q, self._where, self._grid = q, where, grid
        self._sealed = q.is_sealed(grid.window)
        self._names = q.packs.workers()
        self._numbers = {name: number for number, name in self._names.items()}
        self._present = self._read_presence()
        asked = {self._numbers[row.service, row.worker] for row in self._present}
        cells = self._cells() if self._sealed else {}
        asked |= {self._numbers[name] for name in cells}
        self._work = Work(q.packs, where, grid, asked, use_packs=not self._sealed)
        self._busy = self._from_cells(cells) if self._sealed else self._work.busy()

    def build(self) -> dict[str, Any]:
        """Count and write the answer."""
        present, stays = self._presence()
        everyone = self._everyone(present)
        most, first_at = (None, None) if self._sealed else self._work.peak()
        return {
            "from": to_text(self._grid.window[0]),
            "to": to_text(self._grid.window[1]),
            "step_ms": ms(self._grid.step),
            "buckets": self._buckets(everyone, present),
            "workers": self._workers(everyone, present, stays),
            "peak_concurrency": {"max": most, "first_at": None if first_at is None else to_text(first_at)},
            "gaps": gaps(self._q, self._where, *self._grid.window),
        }

    # --- what retention left ---

    def _cells(self) -> dict[Name, dict[int, int]]:
        """Read the cells of the window by worker, and count what ended: there are not all runs any more."""
        window, step = self._grid
        granularity = next(g for g in (2, 1, 0) if not any(value % WIDTHS[g] for value in (*window, step)))
        self._finished, self._succeeded = np.zeros((2, self._grid.size), np.int64)
        rows: defaultdict[Name, dict[tuple[int, int], tuple[int, int]]] = defaultdict(dict)
        for kind in range(granularity, len(WIDTHS)):
            for start, worker, values in self._q.worker_cells(kind, days_around(window), self._where):
                known = rows[worker].get((kind, start), (0, 0))
                rows[worker][kind, start] = (known[0] + values[0], known[1] + values[1])
                if kind == granularity and window[0] <= start < window[1]:
                    self._finished[(start - window[0]) // step] += values[2]
                    self._succeeded[(start - window[0]) // step] += values[3]
        return {worker: gather(cells, granularity, window) for worker, cells in rows.items()}

    def _from_cells(self, cells: dict[Name, dict[int, int]]) -> Ints:
        busy = self._work.busy_open()
        for worker, times in cells.items():
            row = np.searchsorted(self._work.numbers, self._numbers[worker])
            for start, time in times.items():
                busy[row, (start - self._grid.window[0]) // self._grid.step] += time
        return busy

    # --- presence ---

    def _read_presence(self) -> list[PresenceRow]:
        found = []
        for row in self._q.presence(self._grid.window):
            if self._where.services is not None and row.service not in self._where.services:
                continue
            if self._where.queues is not None and not self._q.serves(row).intersection(self._where.queues):
                continue
            found.append(row)
        return found

    def _presence(self) -> tuple[Mask, Spans]:
        """Give in which buckets each worker was there, and its stays, merged, on the line of all workers.

        An inclusive span contains its last instant, which touches a bucket but has no length.
        """
        low, high = self._grid.window
        worker = ints([self._numbers[row.service, row.worker] for row in self._present])
        start, end = ints([(row.start, row.end) for row in self._present]).reshape(-1, 2).T
        stays = merged(self._work.on_line(worker, Spans(start, end).clipped(low, high)))
        inclusive = ints([row.inclusive for row in self._present])
        touched = self._work.on_line(worker, Spans(start, end + inclusive).clipped(low, high))
        return self._grid.filled(touched, self._work.numbers.size) > 0, stays

    def _everyone(self, present: Mask) -> list[int]:
        """List the rows of those who were there or busy, by name; work of nobody belongs to nobody."""
        shown = np.flatnonzero(present.any(axis=1) | self._busy.any(axis=1)).tolist()
        rows = [row for row in shown if self._name(row)[1]]
        return sorted(rows, key=lambda row: self._name(row)[::-1])

    def _name(self, row: int) -> Name:
        return self._names[int(self._work.numbers[row])]

    # --- writing ---

    def _buckets(self, everyone: list[int], present: Mask) -> list[dict[str, Any]]:
        """Write the buckets: who is busy in a queue that nobody asks about is not idle."""
        window, step = self._grid
        anywhere = self._busy if self._where == self._where._replace(queues=None) and not self._sealed else None
        anywhere = self._work.busy_anywhere() if anywhere is None else anywhere
        idling = present & (anywhere == 0) & (self._busy == 0)
        active = (self._busy[everyone] != 0).sum(axis=0).tolist()
        idle = idling[everyone].sum(axis=0).tolist()
        load = self._busy[everyone].sum(axis=0).tolist()
        busy = _in_ms(self._busy.sum(axis=0))
        ended = (self._finished, self._succeeded) if self._sealed else self._work.ended()
        finished, succeeded = (counts.tolist() for counts in ended)
        starts = range(*window, step)
        answer = []
        for position, (start, text) in enumerate(zip(starts, to_texts(starts), strict=True)):
            known = active[position] + idle[position]
            answer.append(
                {
                    "start": text,
                    "active_workers": active[position],
                    "idle_workers": idle[position],
                    "avg_utilization": load[position] / min(step, window[1] - start) / known if known else None,
                    "busy_ms": busy[position],
                    "tasks_completed": succeeded[position],
                    "tasks_finished": finished[position],
                }
            )
        return answer

    def _workers(self, everyone: list[int], present: Mask, stays: Spans) -> list[dict[str, Any]]:
        length = self._grid.window[1] - self._grid.window[0]
        whole = self._busy.sum(axis=1).tolist()
        idle = None if self._sealed else (self._stayed(stays) - self._work.covered(stays)).tolist()
        size, times = self._grid.size, _in_ms(self._busy[everyone].ravel())
        there = (present | (self._busy > 0))[everyone].tolist()  # who was busy was there, whatever signs it gave
        answer = []
        for place, row in enumerate(everyone):
            service, worker = self._name(row)
            answer.append(
                {
                    "worker": worker,
                    "service": service,
                    "busy_ms": ms(whole[row]),
                    "idle_ms": None if idle is None else ms(idle[row]),
                    "utilization": whole[row] / length,
                    "buckets": times[place * size : (place + 1) * size],
                    "present": there[place],
                }
            )
        return answer

    def _stayed(self, stays: Spans) -> Ints:
        return fill(stays, self._grid.line, self._work.numbers.size)


def _in_ms(times: Ints) -> list[float | int]:
    """Write microseconds as `ms` does, many at once: what is whole as an integer."""
    found: list[float | int]
    whole, broken = (times // 1000).tolist(), (times / 1000).tolist()
    is_whole = times % 1000 == 0
    found, others, places = (whole, broken, ~is_whole) if 2 * is_whole.sum() > times.size else (broken, whole, is_whole)
    for place in np.flatnonzero(places).tolist():
        found[place] = others[place]
    return found
