"""The read side of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from taskscope.core.cells import JobCell
    from taskscope.core.counters import Series
    from taskscope.core.events import Event
    from taskscope.core.gaps import Gap
    from taskscope.core.intervals import Interval
    from taskscope.core.plain_columns import Ints
    from taskscope.core.presence import Boot
    from taskscope.core.registry import Job
    from taskscope.ports.audit import StoredFact
    from taskscope.ports.following import Changes, Position
    from taskscope.ports.packs import Packs
    from taskscope.ports.rows import (
        BootRow,
        BusyRow,
        Endings,
        FailureGroup,
        Filter,
        LastRun,
        Name,
        PresenceRow,
        RunRow,
        Search,
        TaskKey,
        TaskRow,
        Waiting,
    )


class Flow(Protocol):
    """Questions about how things flow now: what waits, what runs, who is there, and what counters say."""

    def series(self, most: int) -> dict[tuple[str, str, str], Series]:
        """Give the counters of (service, job, queue), of the first `most` that came."""

    def series_count(self) -> int:
        """Give how many series there are."""

    def waiting(self, before: int, most: int) -> dict[Name, Waiting]:
        """Give what waits in each queue; of those due before an instant at most `most` are counted."""

    def queue_cells(self, granularity: int, window: Interval, where: Filter) -> Iterator[tuple[Name, JobCell]]:
        """Yield (queue, cell) of the cells that begin in the window; a queue has one per job and start."""

    def busy_minute(self, minute: int) -> list[tuple[str, str, str, int]]:
        """Give (service, worker, queue, busy time) in a minute, of finished runs; the minute is kept."""

    def last_finishes(self) -> dict[Name, int]:
        """Give when the newest finished run of each job ended."""

    def newest_durations(self, job: str, services: Sequence[str] | None, most: int) -> list[int] | None:
        """Give the durations of the newest finished runs of a job; None where a tie leaves open which these are."""

    def work(
        self, granularity: int, window: Interval, where: Filter, *, counted: bool
    ) -> list[tuple[Name, tuple[int, int, int]]]:
        """Give (busy time, finished, succeeded) of workers in a window, as the cells of one granularity tell it.

        Of whole cells they tell what covers them whole; with `counted` also partial time, and what finished in them.
        """

    def served(self, window: Interval) -> dict[int, set[str]]:
        """Give the queues that the boots serve which are present in a window, by boot."""

    def served_bootless(self) -> dict[Name, set[str]]:
        """Give the queues that workers serve by their runs alone, as it counts for those without a boot."""

    def boots_there(self, instant: int) -> list[BootRow]:
        """Give the boots that are present at an instant."""

    def boots_ended(self, window: Interval) -> list[BootRow]:
        """Give the boots of which a span of presence ended in the window, its end included and its start not."""

    def workers(self, where: Filter, after: Name, limit: int) -> list[tuple[int, Name]]:
        """List (number, worker) by service and name, behind a worker."""

    def boots_of(self, workers: Sequence[int], most: int) -> list[BootRow]:
        """Give the newest boots of workers by number, at most `most` of each, the newest first."""

    def boot_counts(self, workers: Sequence[int]) -> dict[int, int]:
        """Give how many boots workers had, by number."""

    def bootless_signs(self, workers: Sequence[int]) -> dict[int, int]:
        """Give the last start or finish of workers in runs without a boot, by number."""

    def running(self) -> dict[Name, tuple[int, int]]:
        """Give how many runs of a worker have no end, observed or inferred, and their newest fact."""

    def notes(self) -> dict[str, int]:
        """Give the store's own numbers: the mark, counts of facts, what `note` wrote."""

    def received(self) -> int | None:
        """Give when the last fact was received."""

    def size_bytes(self) -> int:
        """Give the room that the store takes."""


class Questions(Flow, Protocol):
    """The read side of a store: one consistent view of it."""

    @property
    def packs(self) -> Packs:
        """Give its arrays."""

    def mark(self) -> int:
        """Give the mark."""

    def counters(self) -> dict[str, int]:
        """Give the counts of what was refused, by reason."""

    def is_sealed(self, window: Interval) -> bool:
        """Tell whether retention has dropped tasks that count in this window."""

    def finest(self, window: Interval) -> int:
        """Give the number of the finest granularity that is kept for all days of an interval."""

    def span(self) -> Interval | None:
        """Give the days from the first to behind the last that hold any cell; None in an empty store."""

    def job_cells(self, granularity: int, window: Interval, where: Filter) -> Iterator[tuple[int, Name, JobCell]]:
        """Yield (start, job, cell) of the cells that begin in the window; a job has one per queue."""

    def totals(
        self, cells: Sequence[tuple[int, Interval]], where: Filter, fields: Sequence[str]
    ) -> dict[Name, JobCell]:
        """Add up some counts of the cells that begin in windows, each of a granularity, by job; without histograms."""

    def histograms(self, cells: Sequence[tuple[int, Interval]], where: Filter) -> dict[Name, list[bytes]]:
        """Give the packed histograms of the same cells by job."""

    def worker_cells(self, granularity: int, window: Interval, where: Filter) -> Iterator[tuple[int, Name, list[int]]]:
        """Yield (start, worker, values) of the cells that begin in the window; a worker has one per queue."""

    def touching(self, windows: Sequence[Interval], where: Filter) -> Iterator[RunRow]:
        """Yield the runs with a submission, anchor or finish in any of the windows, each once."""

    def tasks_between(self, window: Interval, where: Filter) -> Iterator[TaskRow]:
        """Yield the tasks whose first submission lies in the window."""

    def tasks_changed(self, window: Interval, where: Filter) -> Iterator[tuple[TaskRow, list[RunRow]]]:
        """Yield the tasks whose first submission lies in the window, and that changed after it, with their runs."""

    def durations(self, window: Interval | None, where: Filter, last: int) -> list[tuple[Name, int, str]]:
        """Give (job, duration, outcome) of the newest `last` finished runs with a known duration.

        Newest by finish, then service, task, attempt, run: never by numbers that depend on arrival.
        """

    def lengths(self, window: Interval, where: Filter) -> dict[Name, tuple[Ints, Ints, Ints]]:
        """Give the durations of the runs that finished in a window, by job: of succeeded, failed and other runs."""

    def waits(self, window: Interval, where: Filter) -> dict[Name, Ints]:
        """Give the known waits of the runs that began in a window, by job."""

    def busy(self, window: Interval, where: Filter) -> Iterator[BusyRow]:
        """Yield the runs whose busy interval, or open time until the last proof of life, touches the window."""

    def open_runs(self, where: Filter) -> Iterator[BusyRow]:
        """Yield the runs without an end, up to their last proof of life."""

    def page(
        self, where: Filter, window: Interval | None, after: Sequence[int | str] | None, limit: int
    ) -> list[RunRow]:
        """List runs, newest anchor first, ties by service, task, attempt, run and submission, behind a row."""

    def presence(self, window: Interval) -> Iterator[PresenceRow]:
        """Yield the spans that touch the window."""

    def serves(self, row: PresenceRow) -> set[str]:
        """Give the queues that the boot of a span, or the worker without one, serves."""

    def registered(self, where: Filter) -> dict[Name, Job]:
        """Give the folds of the jobs that are registered."""

    def last_finished(self, where: Filter) -> dict[Name, LastRun]:
        """Give the newest finished run of each job: by finish, then the least task, attempt, run."""

    def boots_of_role(self, role: str) -> Iterator[tuple[str, Boot]]:
        """Yield (service, fold) of the boots that ever said that they have this role."""

    def boots_present(self, instant: int) -> Iterator[tuple[str, Boot]]:
        """Yield (service, fold) of the boots that are present at an instant."""

    def last_signs(self) -> dict[str, int]:
        """Give the newest time of each service: a heartbeat, a finish, or the last proof of life of an open run."""

    def position(self) -> Position:
        """Give the newest position in the log of changes, (0, 0) before the first."""

    def changes(self, after: Position, limit: int) -> Changes:
        """Give what changed behind a position, in at most `limit` tasks."""

    def runs_of(self, tasks: Sequence[int]) -> Iterator[RunRow]:
        """Yield the runs of tasks, given by their numbers."""

    def gaps(self, where: Filter) -> list[Gap]:
        """Give what senders of these services say that they dropped; kept for ever."""

    def events(self) -> Iterator[tuple[Event, int]]:
        """Yield every fact of the log with the content hash that was stored with it, by time and id."""


class FailureQuestions(Protocol):
    """What failed: of failed, timed out and lost runs that finished in a window. Labels are not looked at."""

    def failure_total(self, window: Interval, search: Search) -> tuple[int, int]:
        """Count the failed runs, and their different fingerprints."""

    def failure_groups(
        self, window: Interval, search: Search, after: tuple[int, int, str] | None, limit: int
    ) -> list[FailureGroup]:
        """List groups: most failures first, then the newest, then by fingerprint; behind one of them."""

    def failure_jobs(self, window: Interval, search: Search) -> list[tuple[str, Name, int]]:
        """Give (fingerprint, job, count), by fingerprint, most failures first, then by service and name."""

    def failure_trend(self, window: Interval, step: int, search: Search) -> list[tuple[str, int, int]]:
        """Give (fingerprint, bucket, count) of the buckets with failures; bucket 0 begins with the window."""

    def failed_last(self, fingerprint: str, finish: int, search: Search) -> RunRow | None:
        """Give the run of a group that finished at an instant; of several the least service, task, attempt and run."""


class HistoryQuestions(Protocol):
    """Single runs, single tasks and single jobs."""

    def search(
        self, search: Search, window: Interval | None, after: Sequence[int | str] | None, limit: int, scan: int
    ) -> tuple[list[RunRow], int | None]:
        """List runs in the order of `page`, out of about `scan` that the filter lets through.

        The second is the anchor down to which all were looked at; None where the search came to the end of all runs,
        or has `limit` of them.
        """

    def services_of(self, task: str) -> list[str]:
        """Name the services that have a task of this id."""

    def task(self, key: TaskKey) -> tuple[TaskRow, list[RunRow]] | None:
        """Give a task and its runs by attempt, anchor, run and submission; None for an unknown one."""

    def facts(self, key: TaskKey, limit: int) -> tuple[int, list[StoredFact]]:
        """Count the facts of a task, and give the newest of them, by time and id."""

    def name_counts(self) -> dict[str, int]:
        """Count the names of each kind (job, queue, worker), those that are empty left out."""

    def endings(self, granularity: int, window: Interval, where: Filter) -> list[Endings]:
        """Give how runs ended in the cells that begin in the window, by start and job; workers are not looked at."""

    def job_names(self, where: Filter) -> list[Name]:
        """Name the jobs that any fact named, by service and name."""

    def newest_runs(self, jobs: Sequence[Name], count: int) -> dict[Name, list[RunRow]]:
        """Give the newest finished runs of each job: by finish, then the least task, attempt, run."""


class Reading(Questions, FailureQuestions, HistoryQuestions, Protocol):
    """Everything that can be asked."""
