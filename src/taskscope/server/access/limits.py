"""How often: buckets of tokens that fill with time, one for each caller, and not more callers than fit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_KEYS = 10_000


class Rate:
    """So much a second for each key, and so much at once.

    Parameters
    ----------
    per_s
        How much comes back in a second.
    burst
        How much there is at most.
    monotonic
        A clock that only rises, seconds.
    """

    def __init__(self, per_s: float, burst: float, monotonic: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = burst
        self._monotonic = monotonic
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> float:
        """Say how long a key has to wait until it may take one; 0 for not at all."""
        with self._lock:
            return max(0.0, (1 - self._level(key)) / self._per_s)

    def take(self, key: str) -> float:
        """Take one if there is one; else say how long to wait, as `wait_s` does."""
        with self._lock:
            level = self._level(key)
            if level < 1:
                return (1 - level) / self._per_s
            self._levels[key] = (level - 1, self._monotonic())
            self._levels.move_to_end(key)
            if len(self._levels) > LIMIT_KEYS:
                # The one that was quiet for longest: it has most of its own back already.
                self._levels.popitem(last=False)
            return 0.0

    def _level(self, key: str) -> float:
        level, since = self._levels.get(key, (self._burst, 0.0))
        return min(self._burst, level + (self._monotonic() - since) * self._per_s)
