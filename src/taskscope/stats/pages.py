"""Cursors of lists that are ordered by service and name."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import msgspec

from taskscope.errors import UsageError

if TYPE_CHECKING:
    from taskscope.ports import Name

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000


def write(name: Name) -> str:
    """Write what is behind a name."""
    return base64.urlsafe_b64encode(msgspec.json.encode(name)).decode().rstrip("=")


def read(cursor: str) -> Name:
    """Read what `write` wrote.

    Raises
    ------
    UsageError
        No page gave this cursor.
    """
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=tuple[str, str])
    except (binascii.Error, msgspec.DecodeError, UnicodeError, ValueError):
        raise UsageError("cursor: not one that an earlier page gave; start again without a cursor") from None


def check(limit: int) -> None:
    """Refuse a length of pages that makes no sense.

    Raises
    ------
    UsageError
        It is out of range.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise UsageError(f"limit {limit} is out of range: ask for 1 to {MAX_LIMIT}")
