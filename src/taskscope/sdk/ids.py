"""Event ids: UUIDv7 (RFC 9562, section 5.7) as text, ascending within a process.

Ids that ascend keep the indexes of a store dense, and order the facts of one process that share a microsecond. Layout:

    48 bits  milliseconds since the epoch
     4 bits  version 7
    74 bits  a counter (around the 2 bits of the variant), seeded at random below 2**73 in each new millisecond and
             moved on by a random step of 1 to 2**32 for each id (RFC 9562, section 6.2, method 2)

The upper half of the counter's range is room to count on in: it lasts for 2**40 ids while the clock stands still or
has been set back, so that an id is never smaller than the one before it.
"""

import os
import random
import threading
import time

from taskscope.sdk import forks

_NS_PER_MS = 1_000_000
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
        # Ids have to be unique, not secret; a generator seeded by the system costs a tenth of a system call per id.
        self._bits = random.Random(os.urandom(32)).getrandbits  # noqa: S311
        self._ms = -1
        self._prefix = ""
        self._counter = 0

    def after_fork(self) -> None:
        """Start afresh in a forked child, which would otherwise repeat the ids of its parent."""
        self._reset()

    def next(self) -> str:
        """Return the next id, greater than all that this process got before."""
        with self._lock:
            now_ms = time.time_ns() // _NS_PER_MS
            if now_ms > self._ms:
                seed = self._bits(73)
                text = f"{now_ms:012x}"
                self._ms = now_ms
                self._prefix = f"{text[:8]}-{text[8:12]}-7"
                self._counter = seed
            step = self._bits(32) + 1
            # No call between this load and its store, so a signal handler can't come in between.
            counter = self._counter = self._counter + step
            prefix = self._prefix
        low = (counter & _LOW_62) | _VARIANT
        return f"{prefix}{counter >> 62:03x}-{low >> 48:04x}-{low & _LOW_48:012x}"


uuid7 = Uuid7Source().next
