"""The write side of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from taskscope.core.cell_columns import Cells
    from taskscope.core.cells import JobCell, JobKey, WorkerKey
    from taskscope.core.events import Event
    from taskscope.core.plain_columns import Batch, Columns, Ints
    from taskscope.core.presence import Boot, Life
    from taskscope.core.registry import Job
    from taskscope.core.runs import View
    from taskscope.core.task import Task
    from taskscope.ports.rows import BootKey, Identity, Name, TaskKey


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
