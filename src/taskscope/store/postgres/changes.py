"""Following the store: what changed since, and waiting until something does."""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from taskscope.ports import Changes, Position
from taskscope.store import change_log
from taskscope.store.postgres.connection import configure
from taskscope.store.postgres.queries import statements

if TYPE_CHECKING:
    from taskscope.store.postgres.connection import Connection

CHANNEL = "taskscope_change"
CONNECT_AGAIN_S = 5.0


def position(connection: Connection) -> Position:
    """Give the newest position in the log of changes, (0, 0) before the first."""
    row = connection.execute(statements("changes")["position"], binary=True).fetchone()
    return Position(*row) if row else change_log.START


def changes(connection: Connection, after: Position, limit: int) -> Changes:
    """Give what changed behind a position, in at most `limit` tasks."""
    rows = connection.execute(statements("changes")["changes"], (after.number,), binary=True)
    return change_log.read(rows, after, limit)


class PostgresWatch:
    """Listens to what writers notify. That is a hint and no more: it may come late, or never.

    Whoever waits looks for himself when his time is over, so a connection that is gone costs some of that time only.
    """

    def __init__(self, info: str) -> None:
        """Watch a database; it is connected to by the first `wait`."""
        self._info = info
        self._connection: Connection | None = None
        self._connect_at = 0.0
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)

    def wait(self, timeout_s: float) -> None:
        """Return when something may have been written, after `wake`, or when the time is over."""
        connection = self._listening()
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        if connection is not None:
            poll.register(connection.fileno(), select.POLLIN)
        poll.poll(max(1, round(timeout_s * 1000)))
        with suppress(BlockingIOError):
            self._woken.recv(4096)
        if connection is not None:
            try:
                for _ in connection.notifies(timeout=0):
                    pass
            except psycopg.Error:
                self._give_up()

    def _listening(self) -> Connection | None:
        if self._connection is None and time.monotonic() >= self._connect_at:
            try:
                self._connection = psycopg.connect(self._info)
                configure(self._connection)
                self._connection.execute(f"LISTEN {CHANNEL}")
            except psycopg.Error:
                self._give_up()
        return self._connection

    def _give_up(self) -> None:
        self._connect_at = time.monotonic() + CONNECT_AGAIN_S
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def wake(self) -> None:
        """Let `wait` return; may be called from any thread."""
        with suppress(BlockingIOError):
            self._waker.send(b"1")

    def close(self) -> None:
        """Let go of the connection."""
        self._give_up()
        self._woken.close()
        self._waker.close()
