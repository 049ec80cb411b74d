"""Everything that a store keeps, raw: for those who check it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from taskscope.core.cells import JobCell, JobKey, WorkerKey
    from taskscope.core.events import Event
    from taskscope.core.intervals import Interval
    from taskscope.ports.packs import Packs
    from taskscope.ports.rows import BootKey, Name, RunRow, TaskKey


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
