"""Connections to the database: their settings, the schema's version, and what its errors mean."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout

from taskscope.errors import StoreBusyError, StoreError, StoreUndoneError
from taskscope.store.postgres.address import place
from taskscope.store.postgres.arrays import register
from taskscope.store.postgres.queries import migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

Connection = psycopg.Connection[tuple[Any, ...]]

WRITE_LOCK = 0x7461736B73636F70
"""The advisory lock that a writer holds for the length of its transaction."""
_MIGRATION_LOCK = WRITE_LOCK + 1
_LOCK_TIMEOUT_S = 30
_OLDEST = 130000

SETTINGS = {
    "lock_timeout": f"{_LOCK_TIMEOUT_S}s",
    # A writer that stands still or whose machine is gone must not hold the lock for hours.
    "idle_in_transaction_session_timeout": "120s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    # A plan that was made while a table was small reads all of it when it has become large.
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
    "client_min_messages": "warning",
    "timezone": "UTC",
}

_LOST = (errors.OperationalError, errors.InterfaceError)
_UNDONE = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.IdleInTransactionSessionTimeout,
)


def configure(connection: Connection) -> None:
    """Set what a connection of ours needs; what is answered as kept must be on the disk of the server."""
    connection.autocommit = True  # transactions begin where the store says so
    register(connection)
    columns = ", ".join("set_config(%s, %s, false)" for _ in SETTINGS)
    connection.execute(f"SELECT {columns}", [part for pair in SETTINGS.items() for part in pair])
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
    )


def prepare(info: str) -> None:
    """Look whether the database can be a store, and bring its schema up to date.

    Raises
    ------
    StoreError
        There is no such database, it refuses us, it is no store of ours, or one of a newer version.
    """
    with alone(info) as connection:
        _check(connection)
        _migrate(connection)


@contextmanager
def alone(info: str) -> Iterator[Connection]:
    """Connect outside of any pool: whoever opens a store waits for no second try, and gets the reason."""
    try:
        with psycopg.connect(info) as connection:
            configure(connection)
            yield connection
    except errors.DuplicateTable as error:
        remedy = "use a database of its own, or a schema of its own: ...?options=-csearch_path%3Dtaskscope"
        message = f"the store {place(info)} holds something else: {_said(error)}; {remedy}"
        raise StoreError(message) from error
    except psycopg.OperationalError as error:
        message = f"the store {place(info)} can't be reached: {_said(error)}; check that it runs, and the URL"
        raise StoreError(message) from None
    except psycopg.Error as error:
        raise StoreError(f"the store {place(info)} can't be used: {_said(error)}") from error


def _check(connection: Connection) -> None:
    if connection.info.server_version < _OLDEST:
        raise StoreError(f"PostgreSQL {connection.info.server_version // 10000} is too old; use 13 or newer")
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreError(f"the database is encoded in {encoding}; make one with ENCODING 'UTF8'")


def _migrate(connection: Connection) -> None:
    """Run the scripts that the database has not seen, all in one transaction; one process at a time does so."""
    scripts = migrations()
    if version_of(connection) == len(scripts):
        return
    # Taken before the transaction begins and held until the connection closes: within a transaction that waited for it,
    # the server would go on believing that a table which another process has made meanwhile does not exist.
    connection.execute("SELECT pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
    with connection.transaction():
        version = version_of(connection)
        if version > len(scripts):
            message = f"the store was written by a newer version (schema {version}); this one knows {len(scripts)}"
            raise StoreError(message)
        if version == 0:
            connection.execute("CREATE TABLE taskscope_schema (version BIGINT NOT NULL)")
            connection.execute("INSERT INTO taskscope_schema VALUES (0)")
        for script in scripts[version:]:
            connection.execute(script)  # without values, so it may hold several statements
        connection.execute("UPDATE taskscope_schema SET version = %s", (len(scripts),))


def version_of(connection: Connection) -> int:
    """Give the version of the schema, 0 where there is none."""
    [there] = connection.execute("SELECT to_regclass('taskscope_schema') IS NOT NULL").fetchone() or (False,)
    row = connection.execute("SELECT max(version) FROM taskscope_schema").fetchone() if there else None
    return (row and row[0]) or 0


def translated(error: psycopg.Error) -> StoreError:
    """Turn an error of PostgreSQL into one of ours that tells whether trying again can help."""
    said = _said(error)
    if isinstance(error, PoolTimeout):
        return StoreBusyError(f"the store gives no connection: {said}. Try again.")
    if isinstance(error, errors.LockNotAvailable):
        return StoreBusyError(f"the store is busy: other writers held it for {_LOCK_TIMEOUT_S} s. Try again.")
    # An OperationalError without a state is one of the client: the connection is gone.
    if isinstance(error, _UNDONE) or (isinstance(error, _LOST) and error.sqlstate is None):
        return StoreUndoneError(f"the store undid a transaction: {said}. Try again.")
    return StoreError(f"the store failed: {said}")


def _said(error: psycopg.Error) -> str:
    """Give what an error says without the rows that it concerns."""
    text = error.diag.message_primary or str(error) or type(error).__name__
    return " ".join(text.split())
