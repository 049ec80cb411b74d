"""Tasks and boots as numbers, within one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.core import presence
from taskscope.store.postgres import rows
from taskscope.store.postgres.arrays import array
from taskscope.store.postgres.queries import statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskscope.ports import BootKey, Name, TaskKey
    from taskscope.store.postgres.connection import Connection

_EMPTY = presence.pack(presence.Boot())


class Subjects:
    """The numbers and folds of what facts are about; looked up once, since nobody else writes meanwhile."""

    def __init__(self, connection: Connection) -> None:
        """Know nothing yet."""
        self._connection = connection
        self._sql = statements("ledger")
        self._tasks: dict[TaskKey, int] = {}
        self._missing: set[TaskKey] = set()
        self._next_task = 0
        self._boots: dict[BootKey, int] = {}
        self._folds: dict[BootKey, bytes | None] = {}
        self._jobs: dict[Name, bytes | None] = {}

    def _rows(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._sql[name], values, binary=True).fetchall()

    # --- tasks ---

    def tasks(self, keys: Iterable[TaskKey]) -> dict[TaskKey, bytes]:
        """Give the folds of those tasks that are known."""
        wanted = set(keys)
        found: dict[TaskKey, bytes] = {}
        if wanted:
            for number, service, name, folded in self._rows(
                "tasks", array(list({rows.task_key(key) for key in wanted}))
            ):
                if (service, name) in wanted:
                    self._tasks[service, name] = number
                    found[service, name] = folded
        self._missing |= wanted - found.keys()
        return found

    def task(self, service: str, name: str) -> int:
        """Give the number of a task that was ensured."""
        return self._tasks[service, name]

    def _ensure_tasks(self, keys: Iterable[TaskKey]) -> None:
        """Give new tasks the next numbers; their rows come when they are saved."""
        new = [key for key in keys if key not in self._tasks]
        self.tasks(key for key in new if key not in self._missing)
        for key in new:
            if key not in self._tasks:
                if self._next_task == 0:
                    [[self._next_task]] = self._rows("next_task")
                self._tasks[key] = self._next_task
                self._next_task += 1

    # --- jobs ---

    def jobs(self, keys: Iterable[Name]) -> dict[Name, bytes]:
        """Give the folds of those jobs that are registered."""
        wanted = set(keys)
        missing = [key for key in wanted if key not in self._jobs]
        if missing:
            self._jobs.update(dict.fromkeys(missing))
            for service, name, folded in self._rows("jobs", *rows.columns(missing)):
                self._jobs[service, name] = folded
        return {key: folded for key in wanted if (folded := self._jobs[key]) is not None}

    def forget_jobs(self, keys: Iterable[Name]) -> None:
        """Look these jobs up again: they were written."""
        for key in keys:
            self._jobs.pop(key, None)

    # --- boots ---

    def boots(self, keys: Iterable[BootKey]) -> dict[BootKey, bytes]:
        """Give the folds of those boots that are known."""
        wanted = set(keys)
        missing = [key for key in wanted if key not in self._folds]
        if missing:
            self._folds.update(dict.fromkeys(missing))
            for number, service, boot, anonymous, folded in self._rows("boots", *rows.columns(missing)):
                self._boots[service, boot, anonymous] = number
                self._folds[service, boot, anonymous] = folded
        return {key: folded for key in wanted if (folded := self._folds[key]) is not None}

    def find_boots(self, keys: Iterable[BootKey]) -> dict[BootKey, int]:
        """Give the numbers of those boots that are known."""
        return {key: self._boots[key] for key in self.boots(keys)}

    def boot(self, key: BootKey) -> int:
        """Give the number of a boot that was ensured."""
        return self._boots[key]

    def forget_boots(self, keys: Iterable[BootKey]) -> None:
        """Look these boots up again: they were written."""
        for key in keys:
            self._folds.pop(key, None)

    def ensure(self, tasks: Iterable[TaskKey], boots: Iterable[BootKey]) -> None:
        """Give a number to those that have none, so that `task` and `boot` know them all."""
        self._ensure_tasks(set(tasks))
        wanted = {key for key in boots if key not in self._boots}
        if new := sorted(wanted - self.boots(wanted).keys()):
            for number, service, boot, anonymous in self._rows("new_boots", _EMPTY, *rows.columns(new)):
                self._boots[service, boot, anonymous] = number
                self._folds[service, boot, anonymous] = _EMPTY
