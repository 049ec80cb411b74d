"""Connections to the file: their settings, the schema's version, and the functions that SQL may call."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from taskscope.core import sketch
from taskscope.errors import StoreBusyError, StoreError
from taskscope.store.sqlite.queries import migrations

if TYPE_CHECKING:
    from pathlib import Path

BUSY_TIMEOUT_S = 30.0
PAGE_BYTES = 8192
_LOOK_AGAIN_S = 0.005


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, make it when it is missing, and bring its schema up to date.

    WAL lets readers and one writer work at once; synchronous=FULL makes every commit survive a power cut.

    Raises
    ------
    StoreError
        The file is no store of ours, is newer than this program, or can't be opened.
    """
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, cached_statements=512, check_same_thread=False
        )
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES:d}")
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA mmap_size = 268435456")
        connection.execute("PRAGMA wal_autocheckpoint = 8192")
    except sqlite3.Error as error:
        if _is_busy(error):
            raise translated(error) from error
        message = f"{path} can't be opened as a store: {error}. Check the path, its permissions and the disk."
        raise StoreError(message) from error
    connection.create_function("histogram_add", 2, _histogram_add, deterministic=True)
    _migrate(connection, path)
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL: when two processes do so at once, or one recovers, SQLite refuses without waiting."""
    until = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > until:
                raise
            time.sleep(_LOOK_AGAIN_S)
        else:
            return


def _histogram_add(a: bytes, b: bytes) -> bytes:
    if not b:
        return a
    merged = sketch.unpack(a)
    sketch.add(merged, sketch.unpack(b))
    return sketch.pack(merged)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Run the scripts that the file has not seen; each commits together with the version that it makes."""
    scripts = migrations()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version == len(scripts):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        if version > len(scripts):
            message = f"{path} was written by a newer version (schema {version}); this one knows {len(scripts)}."
            raise StoreError(message)  # noqa: TRY301 - the handler below rolls back
        for number, script in enumerate(scripts[version:], start=version + 1):
            for statement in split(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # an interrupt may come when all is committed
            connection.execute("ROLLBACK")
        raise


def split(script: str) -> list[str]:
    """Cut a script into statements: `executescript` would commit in between."""
    found: list[str] = []
    part = ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            found.append(part)
            part = ""
    return found


def _is_busy(error: sqlite3.Error) -> bool:
    return isinstance(error, sqlite3.OperationalError) and ("locked" in str(error) or "busy" in str(error))


def translated(error: sqlite3.Error) -> StoreError:
    """Turn an error of SQLite into one of ours that tells whether trying again can help."""
    if _is_busy(error):
        return StoreBusyError(f"the store is busy: {error}. Try again.")
    return StoreError(f"the store failed: {error}")
