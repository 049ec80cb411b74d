"""What a server says of the spool of its home; apart, because commands that serve nothing load it too."""

from __future__ import annotations

from typing import NamedTuple


class Spool(NamedTuple):
    """What waits in the spool of a server's home: bytes, the age of the oldest, and records that were refused."""

    waiting: int
    oldest_s: float
    rejected: int
