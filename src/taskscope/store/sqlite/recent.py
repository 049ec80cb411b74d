"""Open plain tasks as this connection wrote them last: the next fact of a task mostly comes soon after the one before.

What is remembered is the row as it stands in the file, so it is only good while nobody else writes. Another connection
that commits changes the version that SQLite counts, and everything is forgotten; so does a transaction that is rolled
back. A task that is written in another way is dropped by whoever writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskscope.ports import TaskKey

MOST = 50_000
"""Tasks that are remembered, about 30 MiB; when there are more, all are forgotten and the newest come again."""


class Known(NamedTuple):
    """A task: its number, the row of its run in the file, the id of its run, and its row as a tuple of `plain.ROW`."""

    number: int
    row_id: int
    run: str
    row: tuple[int, ...]


class Recent:
    """The open plain tasks of one connection."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._tasks: dict[TaskKey, Known] = {}
        self._version = 0
        self.find = self._tasks.get

    def of(self, version: int) -> None:
        """Say which version of the data a transaction sees: what was learned from another one is dropped."""
        if version != self._version:
            self.forget()
            self._version = version

    def forget(self) -> None:
        """Drop everything."""
        self._tasks.clear()

    def drop(self, keys: Iterable[TaskKey]) -> None:
        """Drop tasks that have been written in another way, or that are over."""
        for key in keys:
            self._tasks.pop(key, None)

    def keep(self, tasks: Iterable[tuple[TaskKey, Known]]) -> None:
        """Remember tasks as they have just been written."""
        if len(self._tasks) >= MOST:
            self._tasks.clear()
        self._tasks.update(tasks)
