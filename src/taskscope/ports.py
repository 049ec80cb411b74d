"""The ports: what the middle of the house asks of its edges, in words of the domain.

A store keeps facts and what follows from them. It is written through a `Ledger`, one transaction long: all of it
becomes true or none of it, and nobody else writes meanwhile (on an embedded store) or to the same rows (on a server).
It is read through `Questions`, one consistent view long. Instants are integer microseconds UTC everywhere.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from taskscope.core.access import Action, SignIn, Token
    from taskscope.core.cell_columns import Cells
    from taskscope.core.cells import JobCell, JobKey, WorkerKey
    from taskscope.core.counters import Series
    from taskscope.core.events import Event
    from taskscope.core.gaps import Gap
    from taskscope.core.intervals import Interval
    from taskscope.core.packs import Ended, Pack, Worked
    from taskscope.core.plain_columns import Batch, Columns, Ints
    from taskscope.core.presence import Boot, Life
    from taskscope.core.registry import Job
    from taskscope.core.runs import View
    from taskscope.core.task import Task

TaskKey = tuple[str, str]
"""(service, task)."""
BootKey = tuple[str, str, str]
"""(service, boot, worker): the worker stands for a boot without an id, else it is empty."""
Name = tuple[str, str]
"""(service, name) of a job, a queue or a worker; the name is empty where no fact gives one."""
Identity = tuple[str, int]
"""(event id, time)."""


class TaskChange(NamedTuple):
    """A task to be written: its fold, how it was seen before (None: unknown) and how it is seen now."""

    key: TaskKey
    folded: Task
    old: View | None
    new: View


class Settled(NamedTuple):
    """What became of tasks: those that are seen otherwise now, and how the counters of (service, job, queue) change."""

    changed: list[TaskKey]
    counted: dict[tuple[str, str, str], list[int]]


class Filter(NamedTuple):
    """Which facts a question is about; None stands for all. Several values of one field are alternatives."""

    services: Sequence[str] | None = None
    jobs: Sequence[str] | None = None
    queues: Sequence[str] | None = None
    workers: Sequence[str] | None = None
    states: Sequence[str] | None = None
    outcomes: Sequence[str] | None = None


class RunRow(NamedTuple):
    """A run, or a submission that waits for one (then `submission` is not empty), as it is listed."""

    service: str
    task: str
    attempt: int
    run: str
    submission: str
    anchor: int
    job: str
    queue: str
    worker: str
    boot: str | None
    state: str
    submitted: int | None
    due: int | None
    start: int | None
    finish: int | None
    duration: int | None
    wait: int | None
    skewed: bool
    outcome: str | None
    inferred: bool
    end_type: str | None
    end_id: str | None
    error_type: str | None
    error_message: str | None
    progress: float | None
    outputs: int
    proof: int
    recheck: int | None
    heartbeat: int | None
    fingerprint: str | None


class BusyRow(NamedTuple):
    """The part of a run that questions about workers need.

    `end` of a run that is still open is its last proof of life: its own newest fact or a heartbeat of its boot.
    """

    service: str
    queue: str
    worker: str
    start: int
    end: int
    finish: int | None
    outcome: str | None


class TaskRow(NamedTuple):
    """A task as it stands now; `number` is the store's own."""

    service: str
    task: str
    job: str
    state: str
    cancelled: bool
    first: int
    number: int


class LastRun(NamedTuple):
    """The newest finished run of a job: when it finished, for how long it ran if known, and how it ended."""

    finish: int
    duration: int | None
    outcome: str


class PresenceRow(NamedTuple):
    """A span in which a worker was there, and the queues that it serves.

    Spans of heartbeats are half-open; `inclusive` spans of workers without a boot contain their last instant.
    """

    service: str
    worker: str
    boot: int
    start: int
    end: int
    inclusive: bool


class Search(NamedTuple):
    """Which runs are looked for, beyond a filter.

    Attributes
    ----------
    text
        Part of the type or the message of the error; ASCII letters in any case. None for any.
    fingerprints
        Of the failure; None for any run.
    labels
        (key, value) pairs that facts of the task hold in `data.labels`; all of them.
    """

    where: Filter = Filter()
    text: str | None = None
    fingerprints: Sequence[str] | None = None
    labels: Sequence[tuple[str, str]] = ()


class FailureGroup(NamedTuple):
    """Failed runs of one fingerprint: how many, and when the first and the last of them finished."""

    fingerprint: str
    failures: int
    first: int
    last: int


class Position(NamedTuple):
    """A place in the store's log of changes: a number, and a token that tells it from that of another history."""

    number: int
    token: int


class Changes(NamedTuple):
    """What changed behind a position: numbers of tasks, or why they can't be named.

    Attributes
    ----------
    tasks
        The store's own numbers of the tasks that are seen otherwise now, ascending.
    missed
        Empty where `tasks` holds all of them; else `unknown` (no position of this history), `forgotten` (the log does
        not reach back so far) or `many`.
    """

    tasks: Sequence[int]
    missed: str = ""


class Ledger(Protocol):
    """The write side of a store, for the length of one transaction."""

    def mark(self) -> int:
        """Give the greatest `now` that a sweep has passed, 0 before the first."""

    def move_mark(self, now: int) -> None:
        """Raise the mark; it never falls."""

    def known(self, identities: Sequence[Identity]) -> dict[Identity, int]:
        """Give the content hash of those facts that are in the log."""

    def sealed(self, days: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Give those of the (service, day) pairs in which facts of dropped tasks lie."""

    def tasks(self, keys: Iterable[TaskKey]) -> dict[TaskKey, Task]:
        """Give the folds of those tasks that are known; the caller owns them."""

    def boots(self, keys: Iterable[BootKey]) -> dict[BootKey, Boot]:
        """Give the folds of those boots that are known; the caller owns them."""

    def jobs(self, keys: Iterable[Name]) -> dict[Name, Job]:
        """Give the folds of those jobs that are registered; the caller owns them."""

    def unended(self, boots: Iterable[BootKey], jobs: Iterable[Name]) -> set[TaskKey]:
        """Give the tasks with a run of these boots or jobs whose end no fact states."""

    def unnamed(self, keys: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        """Give those (kind, service, name) that the store does not know."""

    def name_counts(self) -> dict[str, int]:
        """Count the names of each kind (job, queue, worker), those that are empty left out."""

    def due(self, mark: int, limit: int) -> list[TaskKey]:
        """Give tasks with a run of which inference may say something new at this mark, at most `limit` of them."""

    def append(self, facts: Sequence[tuple[Event, int]], received: int) -> None:
        """Put facts with their content hashes into the log; none of them is known."""

    def save_tasks(self, changes: Sequence[TaskChange]) -> None:
        """Write tasks and their runs."""

    def save_boots(self, boots: Mapping[BootKey, Boot]) -> None:
        """Write boots and their presence."""

    def save_jobs(self, jobs: Mapping[Name, Job]) -> None:
        """Write registered jobs."""

    def add(self, jobs: Mapping[JobKey, JobCell], workers: Mapping[WorkerKey, list[int]], now: int) -> None:
        """Add changes to the cells; those that become empty disappear."""

    def count(self, refused: Mapping[str, int]) -> None:
        """Count what was refused, by reason."""

    def received(self, accepted: int, duplicates: int) -> None:
        """Count what was accepted, and what was known already."""

    def log_change(self, tasks: Sequence[TaskKey] | None) -> None:
        """Say that something changed that is shown, and these tasks; None: more of them than anybody wants to know.

        The numbers of changes follow each other as their transactions commit, without a gap.
        """

    def tally(self, changes: Mapping[tuple[str, str, str], list[int]]) -> None:
        """Move the counters of (service, job, queue) by these vectors, see `core.counters`."""

    def note(self, key: str, value: int) -> None:
        """Write a number of the store's own under a name, over the one that is there."""


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


class Waiting(NamedTuple):
    """What waits in a queue: when the oldest was due, and how many were due before an instant."""

    due: int | None
    older: int


class BootRow(NamedTuple):
    """A boot: its number, its worker by number and name, its id (empty for none) and its fold."""

    number: int
    worker: int
    service: str
    name: str
    boot: str
    folded: Boot


@runtime_checkable
class ColumnLedger(Ledger, Protocol):
    """A ledger that also takes plain tasks in columns."""

    def plain(self, events: Sequence[Event]) -> Batch:
        """Lay facts of tasks out in columns, beside their tasks as they stand; before they are appended."""

    def limits(self, jobs: Iterable[int]) -> dict[int, int]:
        """Give the registered limits of those of the jobs that have one, by number."""

    def lives(self, boots: Iterable[int]) -> dict[int, Life]:
        """Give the lives of those of the boots that sent a heartbeat, by number."""

    def save_plain(self, batch: Batch, new: Columns, chosen: Ints) -> None:
        """Write the plain tasks at some positions of a batch, whose rows are now `new`."""

    def add_columns(self, jobs: Cells, workers: Cells, now: int) -> None:
        """Add changes to the cells; those that become empty disappear."""

    def of_series(self, changes: Mapping[tuple[int, int], list[int]]) -> dict[tuple[str, str, str], list[int]]:
        """Name what is given by the numbers of a job and a queue: (service, job, queue)."""


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


class Endings(NamedTuple):
    """How the runs of a job ended in one cell: succeeded, failed (with timed out and lost), cancelled."""

    start: int
    job: Name
    succeeded: int
    failures: int
    cancelled: int


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


class StoredTask(NamedTuple):
    """All that a store keeps of a task, for an audit: what was derived, and what it was derived from.

    `folded` is empty for a plain task: then its runs and `limit` say the same.
    """

    key: TaskKey
    folded: bytes
    base: bytes | None
    state: str
    cancelled: bool
    job: str
    queue: str
    first: int
    runs: list[RunRow]
    facts: list[StoredFact]
    limit: int | None = None


class StoredFact(NamedTuple):
    """A fact as it stands in the log, with its content hash and its time of receipt."""

    event: Event
    content: int
    received: int


class StoredBoot(NamedTuple):
    """All that a store keeps of a boot, for an audit."""

    key: BootKey
    folded: bytes
    base: bytes | None
    received: int
    worker: str | None
    heartbeat: int | None
    ttl: int | None
    presence: list[Interval]
    queues: list[str]
    facts: list[StoredFact]


class StoredJob(NamedTuple):
    """All that a store keeps of a registered job, for an audit."""

    key: Name
    folded: bytes
    base: bytes | None
    limit: int | None
    facts: list[StoredFact]


class Damage(NamedTuple):
    """A row that contradicts itself or points nowhere."""

    table: str
    key: str
    what: str


class Inspection(NamedTuple):
    """What a store says of itself to a doctor; instants in microseconds, 0 where there is none.

    Attributes
    ----------
    schema, known_schema
        The version of its schema, and the newest one that this program knows.
    damage
        What is wrong with it as a file or database; empty for nothing, None where the look took too long.
    mark
        How far the sweep has come.
    newest, received
        When the newest run began or was submitted, and when the last fact was received.
    skewed
        Runs since an instant that started before they were submitted.
    refused
        How many facts were refused since the store was made, by reason.
    """

    schema: int
    known_schema: int
    damage: list[str] | None
    mark: int = 0
    newest: int = 0
    received: int = 0
    skewed: int = 0
    refused: Mapping[str, int] = MappingProxyType({})


class Audit(Protocol):
    """Everything that a store keeps, raw, for `verify`: one consistent view."""

    @property
    def packs(self) -> Packs:
        """Give its packs."""

    def mark(self) -> int:
        """Give the mark."""

    def tasks(self) -> Iterator[StoredTask]:
        """Yield every task with its runs and facts."""

    def boots(self) -> Iterator[StoredBoot]:
        """Yield every boot with its presence and facts."""

    def jobs(self) -> Iterator[StoredJob]:
        """Yield every registered job with its facts."""

    def samples(self) -> Iterator[StoredFact]:
        """Yield the facts that are folded into nothing."""

    def cells(self, *, sealed: bool) -> Iterator[tuple[JobKey, JobCell]]:
        """Yield every cell by job, or every sealed part of one."""

    def worker_cells(self, *, sealed: bool) -> Iterator[tuple[WorkerKey, list[int]]]:
        """Yield every cell by worker, or every sealed part of one."""

    def coarse_days(self) -> dict[int, int]:
        """Give the number of the finest granularity that is kept, for the days that have lost some."""

    def series(self) -> Iterator[tuple[tuple[str, str, str], bytes]]:
        """Yield the counters of each (service, job, queue), packed."""

    def unreadable(self) -> list[Damage]:
        """Give the rows that could not be read so far: they are left out of what is yielded."""

    def damage(self) -> Iterator[Damage]:
        """Yield the rows whose checksum does not fit or whose reference leads nowhere."""


class Keep(NamedTuple):
    """How long what is kept; instants in microseconds."""

    events_us: int
    minutes_us: int
    hours_us: int
    runs: int


class Archive(Protocol):
    """The side of a store that forgets, for the length of one transaction."""

    @property
    def ledger(self) -> Ledger:
        """Give the same transaction, to read and write as ingest does."""

    def bound(self, horizon: int) -> int:
        """Give the sequence number before which every fact was received before the horizon."""

    def aged(self, bound: int, limit: int) -> list[TaskKey]:
        """Give tasks with facts before the bound, at most `limit` of them."""

    def bare(self) -> list[TaskKey]:
        """Give the tasks of which the log holds no fact any more."""

    def newest(self, count: int) -> set[TaskKey]:
        """Give the tasks that hold one of the newest `count` finished runs of any job."""

    def fresh(self, keys: Sequence[TaskKey], bound: int) -> set[TaskKey]:
        """Give those of the tasks that have facts from the bound on."""

    def rebase(self, keys: Sequence[TaskKey], bound: int) -> None:
        """Fold the facts before the bound into the bases of these tasks, and drop them."""

    def seal(self, views: Mapping[TaskKey, View]) -> None:
        """Drop these tasks with their runs and facts; seal their days, their workers' spans and queues."""

    def add_sealed(self, jobs: Mapping[JobKey, JobCell], workers: Mapping[WorkerKey, list[int]]) -> None:
        """Add contributions of dropped tasks to the sealed cells."""

    def rebase_others(self, bound: int) -> int:
        """Fold worker and job facts before the bound into their bases and drop them; give how many facts went."""

    def coarsen(self, minutes_before: int, hours_before: int) -> int:
        """Drop the minute and hour cells of days that last changed before these instants; give how many days."""

    def forget_presence(self, before: int) -> None:
        """Drop the presence of boots that nothing was heard of since an instant; what else they said stays."""


class Watch(Protocol):
    """Waits until somebody writes, in whatever process; for one thread, but for `wake`."""

    def wait(self, timeout_s: float) -> None:
        """Return when something may have been written, after `wake`, or when the time is over."""

    def wake(self) -> None:
        """Let `wait` return; may be called from any thread."""

    def close(self) -> None:
        """Let go of what it holds."""


class Access(Protocol):
    """Tokens, those who are signed in, and what was done: one transaction long."""

    def tokens(self) -> list[Token]:
        """Give every token that ever was, by name."""

    def token(self, digest: bytes) -> Token | None:
        """Give the token with a hash, valid or not."""

    def has_tokens_beside(self, name: str) -> bool:
        """Tell whether there ever was a token of another name."""

    def add_token(self, token: Token) -> bool:
        """Keep a token; False where there is, or was, one of this name."""

    def revoke(self, name: str, now: int) -> Token | None:
        """Revoke a token, and give it as it was before; None where there is none. The first time stands."""

    def touch(self, used: Mapping[str, int]) -> None:
        """Write when tokens were last used; an earlier time than the one that is known changes nothing."""

    def sign_in(self, begun: SignIn) -> None:
        """Keep that somebody is signed in."""

    def signed_in(self, digest: bytes) -> tuple[SignIn, Token] | None:
        """Give who is signed in with a cookie of this hash, and the token, valid or not."""

    def sign_out(self, digest: bytes) -> None:
        """Forget somebody who was signed in."""

    def forget_signed_in(self, now: int) -> None:
        """Forget all whose time is over."""

    def begin(self, action: Action) -> int:
        """Write that somebody wants something; give its number. Nothing that is written here can be changed."""

    def end(self, action: int, time: int, status: int, before: Any, after: Any) -> None:
        """Write what became of it; once."""

    def actions(self, before: int | None, limit: int) -> list[Action]:
        """Give actions, the newest first, below a number."""


class Store(Protocol):
    """Where facts and what follows from them are kept."""

    def access(self, *, write: bool = False) -> AbstractContextManager[Access]:
        """Open a view of who may do what; with `write` a transaction, without it nothing may be changed."""

    def ledger(self) -> AbstractContextManager[Ledger]:
        """Open a transaction: it commits on a clean exit, and leaves no trace after an exception."""

    def questions(self) -> AbstractContextManager[Reading]:
        """Open a consistent view."""

    def audit(self) -> AbstractContextManager[Audit]:
        """Open a consistent view of everything that is kept."""

    def packs(self) -> AbstractContextManager[Packs]:
        """Open a transaction that packs."""

    def archive(self) -> AbstractContextManager[Archive]:
        """Open a transaction that forgets."""

    def watch(self) -> Watch:
        """Watch for what is written."""

    def close(self) -> None:
        """Let go of all connections."""
