"""Instants as integer microseconds since 1970, UTC: to and from text and datetimes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_US = 253_402_300_799_999_999
"""The last microsecond of the year 9999, the end of what RFC 3339 can write."""


def to_us(moment: datetime) -> int:
    """Convert an aware datetime to microseconds, exactly."""
    gap = moment - _EPOCH
    return gap.days * DAY + gap.seconds * SECOND + gap.microseconds


def to_datetime(time_us: int) -> datetime:
    """Convert microseconds to an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=time_us)


def to_text(time_us: int) -> str:
    """Write an instant as RFC 3339 UTC with milliseconds, or microseconds where it has them."""
    precision = "milliseconds" if time_us % 1000 == 0 else "microseconds"
    return to_datetime(time_us).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def ms(us: int) -> float | int:
    """Give microseconds as milliseconds, an integer where nothing is lost."""
    return us // 1000 if us % 1000 == 0 else us / 1000


def from_ms(milliseconds: float) -> int:
    """Convert milliseconds to microseconds, to the nearest."""
    return round(milliseconds * 1000)


def from_text(text: str) -> int:
    """Read an instant that `to_text` wrote."""
    return to_us(datetime.fromisoformat(text))
