"""One who listens: what he has not read yet waits in a bounded queue, and he is dropped when it is full."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from taskscope.server.live import messages

if TYPE_CHECKING:
    from taskscope.server.live.messages import Close
    from taskscope.server.live.subscription import Subscription

LIMIT_BYTES = 1 << 20
LIMIT_MESSAGES = 1_000


class Follower:
    """A connection as the hub sees it; made within its event loop.

    Attributes
    ----------
    ended
        Done once the connection has to end, with the reason.
    subscriptions
        What it follows, by its own names.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes] = deque()
        self._size_bytes = 0
        self._ready = asyncio.Event()
        self.ended: asyncio.Future[Close] = self._loop.create_future()
        self.subscriptions: dict[str, Subscription] = {}

    def offer(self, message: bytes) -> None:
        """Hand over a message; returns at once, from any thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._put, message)

    def end(self, close: Close) -> None:
        """Let the connection end; from any thread."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end, close)

    async def next(self) -> bytes:
        """Wait for the next message."""
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()
        message = self._waiting.popleft()
        self._size_bytes -= len(message)
        return message

    def _put(self, message: bytes) -> None:
        if self.ended.done():
            return
        self._waiting.append(message)
        self._size_bytes += len(message)
        # One message alone always has room, however long it is.
        if len(self._waiting) > 1 and (self._size_bytes > LIMIT_BYTES or len(self._waiting) > LIMIT_MESSAGES):
            self._end(messages.SLOW)
        self._ready.set()

    def _end(self, close: Close) -> None:
        if not self.ended.done():
            self.ended.set_result(close)
            self._waiting.clear()
            self._size_bytes = 0
