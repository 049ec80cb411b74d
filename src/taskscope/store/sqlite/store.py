"""The store on one SQLite file: any number of processes read it, one at a time writes."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from taskscope.store.access import SqlAccess
from taskscope.store.sqlite import copies
from taskscope.store.sqlite.archive import SqliteArchive
from taskscope.store.sqlite.audit import SqliteAudit
from taskscope.store.sqlite.changes import SqliteWatch
from taskscope.store.sqlite.connection import connect, translated
from taskscope.store.sqlite.ledger import SqliteLedger
from taskscope.store.sqlite.names import Names
from taskscope.store.sqlite.packs import SqlitePacks
from taskscope.store.sqlite.queries import statements
from taskscope.store.sqlite.reading import SqliteReading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class SqliteStore:
    """Facts and what follows from them in one file.

    Each thread has a connection of its own. A writer begins IMMEDIATE: a deferred transaction that reads first and
    writes later fails when another process wrote in between, whatever the busy timeout.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it."""
        self.path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._connection()

    def _connection(self) -> tuple[sqlite3.Connection, Names]:
        pair: tuple[sqlite3.Connection, Names] | None = getattr(self._local, "pair", None)
        if pair is None:
            connection = connect(self.path)
            pair = self._local.pair = (connection, Names(connection))
            with self._lock:
                self._open.append(connection)
        return pair

    @contextmanager
    def ledger(self) -> Iterator[SqliteLedger]:
        """Open a transaction: it commits on a clean exit, and leaves no trace after an exception."""
        connection, names = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            [schema] = connection.execute("PRAGMA schema_version").fetchone()
            [data] = connection.execute("PRAGMA data_version").fetchone()
            names.of(schema, data)
            yield SqliteLedger(connection, names)
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            names.forget()
            if isinstance(error, sqlite3.Error):
                raise translated(error) from error
            raise

    @contextmanager
    def archive(self) -> Iterator[SqliteArchive]:
        """Open a transaction that forgets."""
        with self.ledger() as ledger:
            archive = SqliteArchive(*self._connection(), ledger)
            yield archive
            archive.close()

    @contextmanager
    def packs(self) -> Iterator[SqlitePacks]:
        """Open a transaction that packs."""
        with self.ledger():
            yield SqlitePacks(self._connection()[0])

    @contextmanager
    def questions(self) -> Iterator[SqliteReading]:
        """Open a consistent view."""
        with self._reading() as connection:
            yield SqliteReading(connection)

    @contextmanager
    def audit(self) -> Iterator[SqliteAudit]:
        """Open a consistent view of everything that is kept."""
        with self._reading() as connection:
            yield SqliteAudit(connection)

    @contextmanager
    def access(self, *, write: bool = False) -> Iterator[SqlAccess]:
        """Open a view of who may do what; with `write` a transaction, which waits for other writers."""
        with self.ledger() if write else self._reading():
            connection, _ = self._connection()
            yield SqlAccess(connection.execute, statements("access"))

    def backup(self, target: Path, told: copies.Told) -> None:
        """Write all that is committed now to a file, while others go on; see `copies.copy`.

        Not in the port: a store on a server has the tools of that server for it.
        """
        with self._reading() as connection:
            connection.execute("SELECT 1 FROM meta").fetchone()  # from here on, this transaction sees no later commit
            copies.copy(connection, target, told)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        connection, _ = self._connection()
        try:
            connection.execute("BEGIN")
            yield connection
        except sqlite3.Error as error:
            raise translated(error) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def watch(self) -> SqliteWatch:
        """Watch for what is written."""
        return SqliteWatch(self.path)

    def close(self) -> None:
        """Let go of all connections."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
        self._local = threading.local()
