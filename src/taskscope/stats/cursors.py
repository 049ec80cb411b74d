"""Cursors: where a page ended, as one opaque word."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

import msgspec

from taskscope.errors import UsageError

Int64 = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


def write(key: Any) -> str:
    """Write a key as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read(cursor: str, kind: Any) -> Any:
    """Read what `write` wrote.

    Raises
    ------
    UsageError
        It is none that an earlier page gave.
    """
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except (binascii.Error, msgspec.DecodeError, UnicodeError, ValueError):
        raise UsageError("cursor: not one that an earlier page gave; start again without a cursor") from None


def checked(limit: int, most: int) -> int:
    """Check how many somebody wants on a page.

    Raises
    ------
    UsageError
        None, or too many.
    """
    if not 1 <= limit <= most:
        raise UsageError(f"limit {limit} is out of range: ask for 1 to {most}")
    return limit
