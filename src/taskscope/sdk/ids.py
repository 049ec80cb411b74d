"""Event ids: UUIDv7 (RFC 9562, section 5.7) as text, ascending within a process.

Ids that ascend keep the indexes of a store dense, and order the facts of one process that share a microsecond. Layout:

    48 bits  milliseconds since the epoch
     4 bits  version 7
    12 bits  the number of the id within its millisecond, from 0
     2 bits  the variant
    62 bits  drawn at random for this process, once: what tells its ids from those of others

Where the numbers of a millisecond are used up, or the clock stands still or was set back, the next millisecond is taken
ahead of its time (RFC 9562, section 6.2), so that an id is never smaller than the one before it. A process writes one
id in the time of ten other instructions, which is why nothing is drawn and little is formatted for each.
"""

import os
import threading
import time

from taskscope.sdk import forks

_NS_PER_MS = 1_000_000
_LAST_NUMBER = 0xFFF
_LOW_62 = (1 << 62) - 1
_LOW_48 = (1 << 48) - 1
_VARIANT = 1 << 63


class Uuid7Source:
    """A source of ascending UUIDv7 strings, safe between threads, in signal handlers and after a fork."""

    def __init__(self) -> None:
        self._reset()
        forks.register(self)

    def _reset(self) -> None:
        # Reentrant: a signal handler may record while the very thread it interrupted is inside `next`.
        self._lock = threading.RLock()
        low = int.from_bytes(os.urandom(8), "big") & _LOW_62 | _VARIANT
        self._tail = f"-{low >> 48:04x}-{low & _LOW_48:012x}"
        self._ms = -1
        self._prefix = ""
        self._number = 0

    def after_fork(self) -> None:
        """Start afresh in a forked child, which would otherwise repeat the ids of its parent."""
        self._reset()

    def next(self) -> str:
        """Return the next id, greater than all that this process got before."""
        with self._lock:
            ms = time.time_ns() // _NS_PER_MS
            if ms > self._ms or self._number >= _LAST_NUMBER:
                self._begin(max(ms, self._ms + 1))
            # No call between these loads and stores, so a signal handler can't come in between.
            number = self._number = self._number + 1
            return f"{self._prefix}{number:03x}{self._tail}"

    def _begin(self, ms: int) -> None:
        text = f"{ms:012x}"
        prefix = f"{text[:8]}-{text[8:12]}-7"
        if ms > self._ms:  # else a signal handler came in between, and went further
            self._ms, self._prefix, self._number = ms, prefix, -1


uuid7 = Uuid7Source().next
