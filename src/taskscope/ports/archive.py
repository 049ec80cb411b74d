"""The side of a store that forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskscope.core.cells import JobCell, JobKey, WorkerKey
    from taskscope.core.runs import View
    from taskscope.ports.ledger import Ledger
    from taskscope.ports.rows import TaskKey


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
