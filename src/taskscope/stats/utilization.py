"""Who was busy and who idled: by bucket of time and by worker."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from taskscope.core import lifecycle
from taskscope.core.clock import MINUTE, ms, to_text
from taskscope.core.intervals import WIDTHS, Interval, clip, gather, length, minus, overlap, peak, union
from taskscope.errors import UsageError
from taskscope.stats.gaps import gaps
from taskscope.stats.windows import days_around

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskscope.ports import BusyRow, Filter, PresenceRow, Questions, Store

MAX_BUCKETS = 100_000

Worker = tuple[str, str]


def utilization(store: Store, where: Filter, start: int, end: int, step: int = MINUTE) -> dict[str, Any]:
    """Answer how busy workers were between two instants, in buckets of `step` microseconds.

    Whole minutes come from cells, finer steps and edges from single runs. Open runs count up to their last proof of
    life, never until now.

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
        return _Answer(q, where, *_aligned(q, start, end, step)).build()


def _aligned(q: Questions, start: int, end: int, step: int) -> tuple[Interval, int]:
    """Widen window and step to what is kept, where runs or fine cells are gone."""
    if not q.is_sealed((start, end)) and not q.finest((start, end)):
        return (start, end), step
    width = WIDTHS[q.finest((start, end))]
    step = -(-step // width) * width
    return (start // width * width, -(-end // width) * width), step


class _Answer:
    """One question being answered."""

    def __init__(self, q: Questions, where: Filter, window: Interval, step: int) -> None:
        self._q, self._where, self._window, self._step = q, where, window, step
        self._starts = list(range(window[0], window[1], step))
        self._sealed = q.is_sealed(window)
        self._busy: defaultdict[Worker, list[int]] = defaultdict(lambda: [0] * len(self._starts))
        self._completed = [0] * len(self._starts)
        self._finished = [0] * len(self._starts)

    def build(self) -> dict[str, Any]:
        """Read, count and write the answer."""
        runs = list(self._q.busy(self._window, self._where))
        granularity = next((g for g in (2, 1, 0) if self._fits(WIDTHS[g])), None)
        if granularity is None:
            self._from_runs(runs)
        else:
            self._from_cells(granularity)
            self._overlay(run for run in runs if run.outcome is None)
        present = self._present()
        everyone = sorted(
            (self._busy.keys() | present.keys()) - {worker for worker in self._busy if not worker[1]},
            key=lambda worker: (worker[1], worker[0]),
        )
        everyone = [worker for worker in everyone if worker in present or any(self._busy[worker])]
        busy_spans = self._spans(self._q.busy(self._window, self._where._replace(queues=None)))
        most, first_at = (None, None) if self._sealed else peak(((run.start, run.end) for run in runs), self._window)
        return {
            "from": to_text(self._window[0]),
            "to": to_text(self._window[1]),
            "step_ms": ms(self._step),
            "buckets": self._buckets(everyone, present, busy_spans),
            "workers": [self._worker(worker, present.get(worker, []), busy_spans) for worker in everyone],
            "peak_concurrency": {"max": most, "first_at": None if first_at is None else to_text(first_at)},
            "gaps": gaps(self._q, self._where, *self._window),
        }

    def _fits(self, width: int) -> bool:
        return not any(value % width for value in (*self._window, self._step))

    # --- busy time and counts ---

    def _bucket(self, time: int) -> int:
        return (time - self._window[0]) // self._step

    def _from_cells(self, granularity: int) -> None:
        days = days_around(self._window)
        rows: defaultdict[Worker, dict[tuple[int, int], tuple[int, int]]] = defaultdict(dict)
        for kind in range(granularity, len(WIDTHS)):
            for start, worker, values in self._q.worker_cells(kind, days, self._where):
                known = rows[worker].get((kind, start), (0, 0))
                rows[worker][kind, start] = (known[0] + values[0], known[1] + values[1])
                if kind == granularity and self._window[0] <= start < self._window[1]:
                    self._finished[self._bucket(start)] += values[2]
                    self._completed[self._bucket(start)] += values[3]
        for worker, cells in rows.items():
            for start, time in gather(cells, granularity, self._window).items():
                self._busy[worker][self._bucket(start)] += time

    def _from_runs(self, runs: Iterable[BusyRow]) -> None:
        self._overlay(runs)
        for row in self._q.touching([self._window], self._where):
            if row.finish is not None and row.outcome and self._window[0] <= row.finish < self._window[1]:
                self._finished[self._bucket(row.finish)] += 1
                self._completed[self._bucket(row.finish)] += row.outcome == lifecycle.SUCCEEDED

    def _overlay(self, runs: Iterable[BusyRow]) -> None:
        for run in runs:
            for start, end in clip([(run.start, run.end)], self._window):
                for position in range(self._bucket(start), self._bucket(end - 1) + 1):
                    low = self._starts[position]
                    time = overlap((start, end), (low, low + self._step))
                    self._busy[run.service, run.worker][position] += time

    # --- presence ---

    def _present(self) -> dict[Worker, list[PresenceRow]]:
        found: defaultdict[Worker, list[PresenceRow]] = defaultdict(list)
        for row in self._q.presence(self._window):
            if self._where.services is not None and row.service not in self._where.services:
                continue
            if self._where.queues is not None and not self._q.serves(row).intersection(self._where.queues):
                continue
            found[row.service, row.worker].append(row)
        return dict(found)

    def _spans(self, runs: Iterable[BusyRow]) -> dict[Worker, list[Interval]]:
        """Merge the busy intervals of each worker, of all its queues: who is busy in another one is not idle."""
        found: defaultdict[Worker, list[Interval]] = defaultdict(list)
        for run in runs:
            found[run.service, run.worker].append((run.start, run.end))
        return {worker: union(intervals) for worker, intervals in found.items()}

    def _buckets(
        self, everyone: list[Worker], present: dict[Worker, list[PresenceRow]], busy: dict[Worker, list[Interval]]
    ) -> list[dict[str, Any]]:
        size = len(self._starts)
        active, idle, load, total = [0] * size, [0] * size, [0] * size, [0] * size
        for times in self._busy.values():
            for position, time in enumerate(times):
                total[position] += time
        for worker in everyone:
            times = self._busy[worker]
            for position, time in enumerate(times):
                if time:
                    active[position] += 1
                    load[position] += time
            there = self._touched((row.start, row.end, row.inclusive) for row in present.get(worker, []))
            for position in there - self._touched((low, high, False) for low, high in busy.get(worker, [])):
                idle[position] += not times[position]
        answer = []
        for position, start in enumerate(self._starts):
            known = active[position] + idle[position]
            answer.append(
                {
                    "start": to_text(start),
                    "active_workers": active[position],
                    "idle_workers": idle[position],
                    "avg_utilization": load[position] / self._length(position) / known if known else None,
                    "busy_ms": ms(total[position]),
                    "tasks_completed": self._completed[position],
                    "tasks_finished": self._finished[position],
                }
            )
        return answer

    def _length(self, position: int) -> int:
        """Give the length of a bucket; the last one ends with the window."""
        return min(self._step, self._window[1] - self._starts[position])

    def _touched(self, spans: Iterable[tuple[int, int, bool]]) -> set[int]:
        found: set[int] = set()
        for start, end, inclusive in spans:
            low, high = max(start, self._window[0]), min(end if inclusive else end - 1, self._window[1] - 1)
            if low <= high:
                found.update(range(self._bucket(low), self._bucket(high) + 1))
        return found

    def _worker(self, worker: Worker, present: list[PresenceRow], busy: dict[Worker, list[Interval]]) -> dict[str, Any]:
        times = self._busy[worker]
        there = clip(union((row.start, row.end) for row in present), self._window)
        idle = None if self._sealed else ms(minus(there, busy.get(worker, [])))
        return {
            "worker": worker[1],
            "service": worker[0],
            "busy_ms": ms(sum(times)),
            "idle_ms": idle,
            "utilization": sum(times) / length([self._window]),
            "buckets": [ms(time) for time in times],
        }
