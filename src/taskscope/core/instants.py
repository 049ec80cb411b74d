"""Reading instants as senders write them: RFC 3339 with an offset, or epoch milliseconds."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from taskscope.core.clock import LATEST_US, from_ms, to_us
from taskscope.core.refusal import refuse


def instant(field: str, value: datetime | float) -> int:
    """Read an instant: an aware datetime, or epoch milliseconds.

    Raises
    ------
    InputError
        It lacks its offset, or lies outside of the years 1970 to 9999.
    """
    if type(value) is float and 0 <= value < LATEST_US / 1000:  # most are
        return round(value * 1000)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise refuse(field, value.isoformat(), "has no offset", "add Z for UTC, or an offset such as +08:00")
        time = to_us(value)
    elif abs(value) <= LATEST_US:
        time = from_ms(value)
    else:
        time = LATEST_US + 1
    if not 0 <= time <= LATEST_US:
        raise refuse(field, value, "is out of range", "send epoch milliseconds (not seconds or nanoseconds) from 1970")
    return time


def read_instant(field: str, value: object) -> int:
    """Read an instant from a JSON value: text in RFC 3339, or epoch milliseconds."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refuse(field, value, "is no time", "send RFC 3339 with an offset, or epoch milliseconds")
    if isinstance(value, str):
        try:
            return instant(field, msgspec.convert(value, datetime))
        except msgspec.ValidationError:
            remedy = "send RFC 3339 with an offset, such as 2026-01-08T08:28:15.250Z, or epoch milliseconds"
            if re.search(r":60(\.\d+)?(Z|[+-]|$)", value, re.IGNORECASE):
                remedy = "a leap second can't be told apart on most clocks: send :59 or the second after"
            raise refuse(field, value, "is no time in RFC 3339", remedy) from None
    return instant(field, value)
