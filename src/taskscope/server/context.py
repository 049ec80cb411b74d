"""What handlers are given: the store, the zone of dates and the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from taskscope.ports import Store
from taskscope.server.spooled import Spool


class Settings(Protocol):
    """Those settings that a server needs."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of dates."""

    @property
    def sample_size(self) -> int:
        """How many of a job's newest finished runs its durations are taken from."""

    @property
    def stuck_after_s(self) -> float:
        """How long something may wait before it is shown as stuck."""

    @property
    def performance_monitor_interval(self) -> float:
        """How often the live stream tells the performance, seconds."""

    @property
    def hosts(self) -> Sequence[str]:
        """Public names of the server, beside those of this machine."""

    @property
    def requests_per_s(self) -> float:
        """How many requests a token has a second, on average."""


class Context(NamedTuple):
    """What a request is answered with, beside the store."""

    zone: ZoneInfo
    clock: Callable[[], int]
    sample: int = 1000
    stuck_after_s: float = 3600.0
    version: str = ""
    spool: Callable[[], Spool] | None = None
    started: int = 0


# What this process made itself need not be checked on every request.
GivenStore = NamedDependency[SkipValidation[Store]]
GivenContext = NamedDependency[SkipValidation[Context]]


def clock() -> int:
    """Read the clock: microseconds since 1970, UTC."""
    return time.time_ns() // 1000
