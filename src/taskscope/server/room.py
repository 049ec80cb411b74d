"""How much may wait at once: what is beyond is refused at the door, before it is read.

A server that takes in whatever is sent and works it off later runs out of memory, or answers so late that the senders
have given up and send it all again. Here the waiting is bounded, and so is the time that it takes.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from taskscope.server.problems import saturated

if TYPE_CHECKING:
    from collections.abc import Iterator


class Room:
    """The room for requests that are read, decoded or waiting to be written.

    Parameters
    ----------
    requests
        How many at once.
    size_bytes
        How many bytes of them at once. Those that are being decoded may pass it by one batch each.
    """

    def __init__(self, requests: int, size_bytes: int) -> None:
        self._limits = (requests, size_bytes)
        self._lock = threading.Lock()
        self.requests = 0
        self.size_bytes = 0

    @contextmanager
    def place(self, announced_bytes: int) -> Iterator[Place]:
        """Give a request its place, until the end of the context.

        Raises
        ------
        ProblemError
            There is none, or none of this size.
        """
        with self._lock:
            if self.requests >= self._limits[0] or self.size_bytes + announced_bytes > self._limits[1]:
                raise _full()
            self.requests += 1
        place = Place(self)
        try:
            yield place
        finally:
            with self._lock:
                self.requests -= 1
                self.size_bytes -= place.size_bytes

    def check(self) -> None:
        """Refuse where there is no room left.

        Raises
        ------
        ProblemError
            There is none.
        """
        if self.size_bytes > self._limits[1]:
            raise _full()

    def grow(self, place: Place, size_bytes: int) -> None:
        """Let a place become larger."""
        with self._lock:
            self.size_bytes += size_bytes
            place.size_bytes += size_bytes


class Place:
    """What one request takes up."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.size_bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Take up more."""
        self._room.grow(self, size_bytes)

    def check(self) -> None:
        """Refuse where there is no room left; the same as `Room.check`."""
        self._room.check()


def _full() -> Exception:
    return saturated("more events wait to be written than there is room for; send them again in a moment")
