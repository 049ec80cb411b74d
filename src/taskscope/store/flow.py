"""How things flow now, for every store alike: the statements differ, what is made of their rows does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.core import counters, presence, sketch
from taskscope.core.cells import JobCell
from taskscope.core.clock import DAY, HOUR
from taskscope.core.intervals import WIDTHS
from taskscope.ports import BootRow, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from taskscope.core.counters import Series
    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Name


class FlowQuestions:
    """What `taskscope.ports.Flow` asks; a store says how a statement of its `sql/flow.sql` is run."""

    def _flow(self, name: str, /, **values: Any) -> Iterable[tuple[Any, ...]]:
        raise NotImplementedError

    def _single(self, name: str) -> Any:
        return next((row[0] for row in self._flow(name)), None)

    # --- counters ---

    def series(self, most: int) -> dict[tuple[str, str, str], Series]:
        """Give the counters of (service, job, queue), of the first `most` that came."""
        return {
            (service, job, queue): counters.unpack(packed)
            for service, job, queue, packed in self._flow("series", most=most)
        }

    def series_count(self) -> int:
        """Give how many series there are."""
        return int(self._single("series_count"))

    def notes(self) -> dict[str, int]:
        """Give the store's own numbers."""
        return dict(self._flow("notes"))

    def received(self) -> int | None:
        """Give when the last fact was received."""
        found: int | None = self._single("received")
        return found

    def size_bytes(self) -> int:
        """Give the room that the store takes."""
        return int(self._single("size"))

    # --- queues and jobs ---

    def waiting(self, before: int, most: int) -> dict[Name, Waiting]:
        """Give what waits in each queue; of those due before an instant at most `most` are counted."""
        found = self._flow("waiting", before=before, most=most)
        return {(service, queue): Waiting(due, older) for service, queue, due, older in found}

    def queue_cells(self, granularity: int, window: Interval, where: Filter) -> Iterator[tuple[Name, JobCell]]:
        """Yield (queue, cell) of the cells that begin in the window."""
        for row in self._flow("queue_cells", granularity=granularity, start=window[0], end=window[1]):
            if _matches(where.services, row[0]) and _matches(where.queues, row[1]):
                yield (row[0], row[1]), JobCell(list(row[2:-1]), sketch.unpack(row[-1]))

    def last_finishes(self) -> dict[Name, int]:
        """Give when the newest finished run of each job ended."""
        return {(service, job): time for service, job, time in self._flow("last_finishes") if time is not None}

    def newest_durations(self, job: str, services: Sequence[str] | None, most: int) -> list[int] | None:
        """Give the durations of the newest finished runs of a job; None where a tie leaves open which these are."""
        found: list[tuple[Any, ...]] = []
        for number, service in self._flow("jobs_named", job=job):
            if _matches(services, service):
                found += self._flow("newest_durations", job=number, most=most + 1)
        found.sort(reverse=True)
        if len(found) > most and found[most - 1][0] == found[most][0]:
            return None
        return [duration for _, duration in found[:most]]

    # --- workers ---

    def busy_minute(self, minute: int) -> list[tuple[str, str, str, int]]:
        """Give (service, worker, queue, busy time) in a minute, of finished runs."""
        found = self._flow("busy_minute", minute=minute, hour=minute // HOUR * HOUR, day=minute // DAY * DAY)
        return [(row[0], row[1], row[2], int(row[3])) for row in found]

    def work(
        self, granularity: int, window: Interval, where: Filter, *, counted: bool
    ) -> list[tuple[Name, tuple[int, int, int]]]:
        """Give (busy time, finished, succeeded) of workers in a window, as the cells of one granularity tell it."""
        values = {
            "granularity": granularity,
            "start": window[0],
            "end": window[1],
            "parent": WIDTHS[min(granularity + 1, len(WIDTHS) - 1)],
            "counted": int(counted),
            "queues": where.queues,
        }
        return [
            ((service, worker), (int(busy), int(finished), int(succeeded)))
            for service, worker, busy, finished, succeeded in self._flow("work", **values)
            if _matches(where.services, service) and _matches(where.workers, worker)
        ]

    def served(self, window: Interval) -> dict[int, set[str]]:
        """Give the queues that the boots serve which are present in a window, by boot."""
        found: dict[int, set[str]] = {}
        for boot, queue in self._flow("served", start=window[0], end=window[1]):
            found.setdefault(boot, set()).add(queue)
        return found

    def served_bootless(self) -> dict[Name, set[str]]:
        """Give the queues that workers serve by their runs alone, as it counts for those without a boot."""
        found: dict[Name, set[str]] = {}
        for service, worker, queue in self._flow("served_bootless"):
            found.setdefault((service, worker), set()).add(queue)
        return found

    def boots_there(self, instant: int) -> list[BootRow]:
        """Give the boots that are present at an instant."""
        return [_boot(row) for row in self._flow("boots_there", instant=instant)]

    def boots_ended(self, window: Interval) -> list[BootRow]:
        """Give the boots of which a span of presence ended in the window, its end included and its start not."""
        return [_boot(row) for row in self._flow("boots_ended", start=window[0], end=window[1])]

    def workers(self, where: Filter, after: Name, limit: int) -> list[tuple[int, Name]]:
        """List (number, worker) by service and name, behind a worker."""
        values = {"service": after[0], "name": after[1], "services": where.services, "names": where.workers}
        found = self._flow("workers", **values, limit=limit)
        return [(number, (service, name)) for number, service, name in found]

    def boots_of(self, workers: Sequence[int], most: int) -> list[BootRow]:
        """Give the newest boots of workers by number, at most `most` of each, the newest first."""
        return [_boot(row) for row in self._flow("boots_of", workers=list(workers), most=most)]

    def boot_counts(self, workers: Sequence[int]) -> dict[int, int]:
        """Give how many boots workers had, by number."""
        return dict(self._flow("boot_counts", workers=list(workers)))

    def bootless_signs(self, workers: Sequence[int]) -> dict[int, int]:
        """Give the last start or finish of workers in runs without a boot, by number."""
        return {worker: time for worker, time in self._flow("bootless_signs", workers=list(workers)) if time}

    def running(self) -> dict[Name, tuple[int, int]]:
        """Give how many runs of a worker have no end, observed or inferred, and their newest fact."""
        return {(service, worker): (count, proof) for service, worker, count, proof in self._flow("running")}


def _boot(row: tuple[Any, ...]) -> BootRow:
    number, worker, service, name, boot, folded = row
    return BootRow(number, worker, service, name, boot, presence.unpack(folded))


def _matches(wanted: Sequence[str] | None, value: str) -> bool:
    return wanted is None or value in wanted
