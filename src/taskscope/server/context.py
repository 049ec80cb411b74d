"""What handlers are given: the store, the zone of dates and the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from taskscope.ports import Store


class Settings(Protocol):
    """Those settings that a server needs."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of dates."""

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


# What this process made itself need not be checked on every request.
GivenStore = NamedDependency[SkipValidation[Store]]
GivenContext = NamedDependency[SkipValidation[Context]]


def clock() -> int:
    """Read the clock: microseconds since 1970, UTC."""
    return time.time_ns() // 1000
