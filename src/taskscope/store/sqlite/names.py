"""Names and subjects as numbers, remembered by the connection that learned them.

Numbers save space and comparisons; they depend on who came first, so nothing is ever ordered by them. A rolled back
transaction forgets them all: what it had learned may never have become true. So does a restored copy, whose numbers
are others: it comes with another version of the schema, as SQLite counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from taskscope.core.events import Event
    from taskscope.store.rows import Triple

_MOST_TRIPLES = 100_000
"""Combinations of names that are remembered, about 20 MiB; more of them mean that names are made up for each task."""


class Names:
    """The numbers of jobs, queues and workers by (kind, service, name)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Remember nothing yet."""
        self._connection = connection
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._triples: dict[tuple[str, str | None, str | None, str | None], Triple] = {}
        self._schema = 0

    def of(self, schema: int) -> None:
        """Say which version of the schema a transaction sees: what was learned from another one is dropped."""
        if schema != self._schema:
            self.forget()
            self._schema = schema

    def forget(self) -> None:
        """Drop everything that was learned."""
        self._numbers.clear()
        self._triples.clear()

    def find(self, kind: str, service: str, name: str) -> int | None:
        """Give the number of a name, None when it has none."""
        key = (kind, service, name)
        number = self._numbers.get(key)
        if number is None:
            row = self._connection.execute(
                "SELECT id FROM name WHERE kind = ? AND service = ? AND name = ?", key
            ).fetchone()
            if row is None:
                return None
            number = self._numbers[key] = row[0]
        return number

    def ensure(self, kind: str, service: str, name: str) -> int:
        """Give the number of a name, a new one when it has none."""
        number = self._numbers.get((kind, service, name)) or self.find(kind, service, name)
        if number is None:
            cursor = self._connection.execute(
                "INSERT INTO name (kind, service, name) VALUES (?, ?, ?)", (kind, service, name)
            )
            number = self._numbers[kind, service, name] = int(cursor.lastrowid or 0)
        return number

    def triple(self, service: str, job: str | None, queue: str | None, worker: str | None) -> Triple:
        """Give the numbers of the three names that facts and runs bear, None for a name that is None."""
        key = (service, job, queue, worker)
        numbers = self._triples.get(key)
        if numbers is None:
            if len(self._triples) >= _MOST_TRIPLES:
                self._triples.clear()
            numbers = self._triples[key] = (
                None if job is None else self.ensure("job", service, job),
                None if queue is None else self.ensure("queue", service, queue),
                None if worker is None else self.ensure("worker", service, worker),
            )
        return numbers

    def triples(self, events: Sequence[Event]) -> list[Triple]:
        """Give the numbers of the names that each of many facts bears."""
        known, triple = self._triples.get, self.triple
        named = [(event.service, event.job, event.queue, event.worker) for event in events]
        return [known(names) or triple(*names) for names in named]
