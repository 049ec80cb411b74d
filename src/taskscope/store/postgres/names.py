"""Names as numbers: looked up in sets, and remembered by the store once they are committed.

Numbers save space and comparisons; they depend on who came first, so nothing is ever ordered by them. A name never
loses its number, so what is committed may be remembered until the table is another one (a restored copy); what a
transaction adds is handed over when it commits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope.store.postgres.queries import statements
from taskscope.store.postgres.rows import columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskscope.store.postgres.connection import Connection
    from taskscope.store.rows import Triple

Key = tuple[str, str, str]
"""(kind, service, name)."""


class Names:
    """The numbers of jobs, queues and workers within one transaction."""

    def __init__(self, connection: Connection, committed: dict[Key, int]) -> None:
        """Begin with what the store remembers."""
        self._connection = connection
        self._committed = committed
        self._numbers: dict[Key, int] = {}
        self._triples: dict[tuple[str, str | None, str | None, str | None], Triple] = {}
        self._sql = statements("ledger")

    def committed(self) -> None:
        """Let the store remember what this transaction learned."""
        self._committed.update(self._numbers)

    def find(self, keys: Iterable[Key]) -> dict[Key, int]:
        """Give the numbers of those names that have one."""
        wanted = set(keys)
        missing = sorted(key for key in wanted if key not in self._committed and key not in self._numbers)
        if missing:
            self._learn(self._sql["find_names"], missing)
        return {key: number for key in wanted if (number := self._number(key)) is not None}

    def ensure(self, keys: Iterable[Key]) -> None:
        """Give a number to those names that have none, so that `number` knows them all."""
        wanted = set(keys)
        missing = sorted(wanted - self.find(wanted).keys())
        if missing:
            self._learn(self._sql["new_names"], missing)

    def _learn(self, query: str, keys: list[Key]) -> None:
        for *key, number in self._connection.execute(query, columns(keys)):
            self._numbers[key[0], key[1], key[2]] = number

    def _number(self, key: Key) -> int | None:
        number = self._committed.get(key)
        return self._numbers.get(key) if number is None else number

    def number(self, kind: str, service: str, name: str) -> int:
        """Give the number of a name that was ensured."""
        key = (kind, service, name)
        number = self._committed.get(key)
        return self._numbers[key] if number is None else number

    def triple(self, service: str, job: str | None, queue: str | None, worker: str | None) -> Triple:
        """Give the numbers of the three names that facts and runs bear, None for a name that is None."""
        key = (service, job, queue, worker)
        numbers = self._triples.get(key)
        if numbers is None:
            numbers = self._triples[key] = (
                None if job is None else self.number("job", service, job),
                None if queue is None else self.number("queue", service, queue),
                None if worker is None else self.number("worker", service, worker),
            )
        return numbers
