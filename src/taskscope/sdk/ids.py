"""Event ids: UUIDv7 (RFC 9562, section 5.7) as text, ascending within a process.

Ids that ascend keep the indexes of a store dense, and order the facts of one process that share a microsecond. Layout:

    48 bits  milliseconds since the epoch
     4 bits  version 7
    12 bits  the number of the id within its millisecond, from 0
     2 bits  the variant
    62 bits  drawn at random for this process, once: what tells its ids from those of others

Where the numbers of a millisecond are used up, or the clock stands still or was set back, the next millisecond is taken
ahead of its time (RFC 9562, section 6.2), so that an id is never smaller than the one before it. Each fact waits for
its id, so nothing is drawn and little is formatted for each, and only a new millisecond takes a lock: it brings an
iterator over its numbers, written in C, which gives each of them once, whichever threads and signal handlers ask.
"""

import itertools
import os
import threading
import time
from collections.abc import Callable

from taskscope.sdk import forks

_NS_PER_MS = 1_000_000
_LOW_62 = (1 << 62) - 1
_LOW_48 = (1 << 48) - 1
_VARIANT = 1 << 63


# One millisecond: when it ends, how its ids begin and end, and what gives their numbers. A plain tuple, because it is
# taken apart for each id.
_Millisecond = tuple[int, str, str, Callable[[], str]]


class Uuid7Source:
    """A source of ascending UUIDv7 strings, safe between threads, in signal handlers and after a fork."""

    def __init__(self) -> None:
        self._reset()
        forks.register(self)

    def _reset(self) -> None:
        # Reentrant: a signal handler may record while the very thread it interrupted is inside `_move_on`.
        self._lock = threading.RLock()
        low = int.from_bytes(os.urandom(8), "big") & _LOW_62 | _VARIANT
        self._tail = f"-{low >> 48:04x}-{low & _LOW_48:012x}"
        self._present: _Millisecond = (0, "", self._tail, _numbers())

    def after_fork(self) -> None:
        """Start afresh in a forked child, which would otherwise repeat the ids of its parent."""
        self._reset()

    def next(self) -> str:
        """Return the next id, greater than all that this thread got before."""
        return self.at(time.time_ns())

    def at(self, now_ns: int) -> str:
        """Return the next id for a caller who has read the clock already: nanoseconds since the epoch."""
        while True:
            end_ns, head, tail, number = self._present
            if now_ns < end_ns:
                try:
                    return f"{head}{number()}{tail}"
                except StopIteration:
                    pass  # all numbers of this millisecond are given
            self._move_on(now_ns, end_ns)

    def _move_on(self, now_ns: int, end_ns: int) -> None:
        """Go on to the millisecond of now, or to the next one where that is over already."""
        with self._lock:
            if self._present[0] != end_ns:
                return  # another thread, or a signal handler, was here first
            ms = max(now_ns, end_ns) // _NS_PER_MS
            text = f"{ms:012x}"
            head = f"{text[:8]}-{text[8:12]}-7"
            begun = ((ms + 1) * _NS_PER_MS, head, self._tail, _numbers())
            # No call between these loads and the store, so a signal handler can't come in between.
            if begun[0] > self._present[0]:
                self._present = begun


def _numbers() -> Callable[[], str]:
    """Give what returns "000", "001" and so on to "fff", and then raises StopIteration."""
    return map("".join, itertools.product("0123456789abcdef", repeat=3)).__next__


_source = Uuid7Source()
uuid7 = _source.next
uuid7_at = _source.at
