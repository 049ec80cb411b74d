"""Following the store: what changed since, and waiting until something does."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from taskscope.ports import Changes, Position
from taskscope.store import change_log
from taskscope.store.sqlite.connection import connect, translated
from taskscope.store.sqlite.queries import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


LOOK_S = 0.05
"""How often is looked whether another connection has written: it costs microseconds."""
_MOST = 500


def position(connection: sqlite3.Connection) -> Position:
    """Give the newest position in the log of changes, (0, 0) before the first."""
    row = connection.execute(statements("changes")["position"]).fetchone()
    return Position(*row) if row else change_log.START


def changes(connection: sqlite3.Connection, after: Position, limit: int) -> Changes:
    """Give what changed behind a position, in at most `limit` tasks."""
    return change_log.read(connection.execute(statements("changes")["changes"], (after.number,)), after, limit)


def runs_of(connection: sqlite3.Connection, tasks: Sequence[int]) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the runs of tasks, given by their numbers."""
    for first in range(0, len(tasks), _MOST):
        part = tasks[first : first + _MOST]
        query = f"{statements('questions')['runs']} WHERE r.task IN ({','.join('?' * len(part))})"
        yield from connection.execute(query, tuple(part))


class SqliteWatch:
    """Watches the file: whoever writes to it, in whatever process, changes a number that is read without a lock."""

    def __init__(self, path: Path) -> None:
        """Open a connection of its own."""
        self._connection = connect(path)
        self._woken = threading.Event()
        self._seen = self._version()

    def wait(self, timeout_s: float) -> None:
        """Return when something may have been written, after `wake`, or when the time is over."""
        until = time.monotonic() + timeout_s
        while (left := until - time.monotonic()) > 0:
            version = self._version()
            if version != self._seen:
                self._seen = version
                return
            if self._woken.wait(min(left, LOOK_S)):
                self._woken.clear()
                return

    def _version(self) -> int:
        try:
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise translated(error) from error

    def wake(self) -> None:
        """Let `wait` return; may be called from any thread."""
        self._woken.set()

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()
