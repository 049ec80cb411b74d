"""A database of their own for tests that need PostgreSQL, on the server that the machine has."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from taskscope.store.postgres import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = os.environ.get("TASKSCOPE_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


def run(url: str, *statements: sql.Composed | str) -> None:
    """Run statements that stand alone."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def require() -> None:
    """Skip where no server answers; on a machine that says it is for tests, fail."""
    try:
        psycopg.connect(SERVER, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no PostgreSQL answers at {SERVER}: {error}")
        pytest.skip(f"no PostgreSQL answers at {SERVER}: {error}")


@contextmanager
def database() -> Iterator[str]:
    """Give the URL of a new database, which goes at the end, whoever is still connected."""
    require()
    name = f"taskscope_test_{os.getpid()}_{secrets.token_hex(4)}"
    run(SERVER, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield f"{SERVER.rpartition('/')[0]}/{name}"
    finally:
        run(SERVER, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class Schemas:
    """Schemas of one database: each is a store of its own, quicker to make than a database."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._open: list[PostgresStore] = []
        self._known: set[str] = set()

    def url(self, name: str) -> str:
        """Give the URL of a schema, which is made on first use."""
        if name not in self._known:
            run(self._database, sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
            self._known.add(name)
        return f"{self._database}?options=-csearch_path%3D{name}"

    def open(self, name: str) -> PostgresStore:
        """Open the store in a schema; it is closed by `drop`."""
        store = PostgresStore(self.url(name))
        self._open.append(store)
        return store

    def drop(self) -> None:
        """Close what was opened, and drop the schemas."""
        for store in self._open:
            store.close()
        for name in self._known:
            run(self._database, sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


def clear(store: PostgresStore) -> None:
    """Empty a store, quicker than a new one is made. Names stay: a number is nobody's truth."""
    with store._pool.connection() as connection:
        tables = connection.execute(
            "SELECT string_agg(format('DELETE FROM %I', relname), ';') FROM pg_class "
            "WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' "
            "AND relname NOT IN ('name', 'taskscope_schema')"
        ).fetchone()
        assert tables
        connection.execute(tables[0])
