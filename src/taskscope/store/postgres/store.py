"""The store on a PostgreSQL database: any number of servers write it, one at a time.

A writer's first statement takes an advisory lock that it holds until its transaction ends. The next statement sees
everything that earlier writers committed (READ COMMITTED takes a snapshot for each statement), and nobody writes
meanwhile: what is looked up stays true until the commit. It is measured to be as fast as row locks in a fixed order,
since the writers of one database wait for its disk and its cells anyway.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg_pool import ConnectionPool

from taskscope.store.access import SqlAccess
from taskscope.store.postgres import address
from taskscope.store.postgres.archive import PostgresArchive
from taskscope.store.postgres.audit import PostgresAudit
from taskscope.store.postgres.changes import PostgresWatch
from taskscope.store.postgres.connection import WRITE_LOCK, Connection, configure, prepare, translated
from taskscope.store.postgres.inspection import inspect
from taskscope.store.postgres.ledger import PostgresLedger
from taskscope.store.postgres.names import Names
from taskscope.store.postgres.packs import PostgresPacks
from taskscope.store.postgres.queries import statements
from taskscope.store.postgres.reading import PostgresReading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskscope.ports import Inspection
    from taskscope.store.postgres.names import Key

MOST_CONNECTIONS = 8
PATIENCE_S = 30.0
"""How long one waits for a connection: over a restart of the server too."""

# The pool warns of every attempt to connect; whoever waits for one gets the error.
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


class PostgresStore:
    """Facts and what follows from them in one schema of a database."""

    def __init__(self, url: str) -> None:
        """Connect, and make the schema or bring it up to date."""
        info = address.conninfo(url)
        prepare(info)
        self._info = info
        self._names: dict[Key, int] = {}
        self._numbering = 0
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            info,
            min_size=1,
            max_size=MOST_CONNECTIONS,
            timeout=PATIENCE_S,
            configure=configure,
            check=ConnectionPool.check_connection,
            open=False,
        )
        try:
            self._pool.open(wait=True, timeout=PATIENCE_S)
        except psycopg.Error as error:
            raise translated(error) from error

    @staticmethod
    def name(url: str) -> str:
        """Name a store as it may be shown: host, port and database."""
        return address.place(address.conninfo(url))

    @staticmethod
    def inspect(url: str, since: int) -> Inspection | None:
        """Look at a store from outside, None where there is none yet; nothing is changed, see `inspection.inspect`."""
        return inspect(address.conninfo(url), since)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        """Work in a transaction: it commits on a clean exit, and leaves no trace after an exception."""
        try:
            with self._pool.connection() as connection:
                connection.execute(begin)
                try:
                    yield connection
                except BaseException:
                    if not connection.broken:
                        connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
        except psycopg.Error as error:
            raise translated(error) from error

    @contextmanager
    def ledger(self) -> Iterator[PostgresLedger]:
        """Open a transaction: it commits on a clean exit, and leaves no trace after an exception."""
        with self._writing() as (connection, names):
            yield PostgresLedger(connection, names)

    @contextmanager
    def archive(self) -> Iterator[PostgresArchive]:
        """Open a transaction that forgets."""
        with self._writing() as (connection, names):
            archive = PostgresArchive(connection, names, PostgresLedger(connection, names))
            yield archive
            archive.close()

    @contextmanager
    def packs(self) -> Iterator[PostgresPacks]:
        """Open a transaction that packs."""
        with self._writing() as (connection, _):
            yield PostgresPacks(connection)

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, Names]]:
        with self._transaction("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") as connection:
            connection.execute(statements("ledger")["lock"], (WRITE_LOCK,))
            numbering = connection.execute(statements("ledger")["numbering"]).fetchall()[0][0]
            if numbering != self._numbering:  # somebody has put a copy of the database in its place
                self._names, self._numbering = {}, numbering
            names = Names(connection, self._names)
            yield connection, names
        names.committed()

    @contextmanager
    def questions(self) -> Iterator[PostgresReading]:
        """Open a consistent view."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield PostgresReading(connection)

    @contextmanager
    def audit(self) -> Iterator[PostgresAudit]:
        """Open a consistent view of everything that is kept."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield PostgresAudit(connection)

    def watch(self) -> PostgresWatch:
        """Watch for what is written."""
        return PostgresWatch(self._info)

    @contextmanager
    def access(self, *, write: bool = False) -> Iterator[SqlAccess]:
        """Open a view of who may do what; with `write` a transaction, which waits for nobody who writes facts."""
        mode = "READ WRITE" if write else "READ ONLY"
        with self._transaction(f"BEGIN ISOLATION LEVEL READ COMMITTED {mode}") as connection:
            yield SqlAccess(connection.execute, statements("access"))

    def close(self) -> None:
        """Let go of all connections."""
        self._pool.close()
