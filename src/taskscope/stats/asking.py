"""Reading what somebody asks about: instants, steps and filters, as command line and API take them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from taskscope.core.clock import DAY, HOUR, LATEST_US, MINUTE, SECOND, to_us
from taskscope.core.instants import read_instant
from taskscope.core.lifecycle import OUTCOMES, STATES
from taskscope.core.refusal import shown
from taskscope.errors import InputError, UsageError
from taskscope.ports import Filter, Search

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from taskscope.core.intervals import Interval

TIME_FORMS = "RFC 3339 with an offset, a date such as 2026-01-08, epoch milliseconds, or relative such as -6h or now"

LONGEST_TEXT = 200

_UNITS = {"ms": SECOND // 1000, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_LENGTH = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h|d)", re.ASCII)
_RELATIVE = re.compile(rf"([+-]){_LENGTH.pattern}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,9})?", re.ASCII)
_PART = re.compile(r"((?:\\[,\\]|[^,])*)(?:,|$)", re.DOTALL)


def time(name: str, text: str, *, now: int, zone: ZoneInfo, inclusive: bool = False) -> int:
    """Read an instant.

    Parameters
    ----------
    name
        What it is called where it was asked, for the error.
    text
        One of `TIME_FORMS`.
    now
        What relative instants count from.
    zone
        Where dates are days.
    inclusive
        A date means the end of its day, not the start.

    Raises
    ------
    UsageError
        It has none of the forms, or lies outside of the years 1970 to 9999.
    """
    text = text.strip()
    if text == "now":
        return now
    try:
        if found := _RELATIVE.fullmatch(text):
            sign = -1 if found[1] == "-" else 1
            return _believed(now + sign * _length(found[2], found[3]))
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=inclusive)
            # Where a change of the clock skips or repeats midnight, the day starts at the first instant that is in it:
            # that is what fold=0 gives.
            return _believed(to_us(datetime(day.year, day.month, day.day, tzinfo=zone)))
        if _NUMBER.fullmatch(text):
            return read_instant(name, float(text) if "." in text else int(text))
        return read_instant(name, text)
    except InputError as error:
        special = "leap second" in error.remedy or "has no offset" in str(error.args[0])
        remedy = error.remedy if special else f"use {TIME_FORMS}"
        raise UsageError(f"{error.args[0]} (got {shown(text)}); {remedy}") from error
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{name} is no time (got {shown(text)}); use {TIME_FORMS}") from error


def _believed(instant: int) -> int:
    if not 0 <= instant <= LATEST_US:
        raise OverflowError
    return instant


def window(
    start: str | None, end: str | None, *, now: int, zone: ZoneInfo, names: tuple[str, str] = ("--from", "--to")
) -> tuple[int | None, int | None]:
    """Read both sides of a window; an end that is a date is inclusive, a side that is not given is open.

    Raises
    ------
    UsageError
        A side is no time, or the start is not before the end.
    """
    low = None if start is None else time(names[0], start, now=now, zone=zone)
    high = None if end is None else time(names[1], end, now=now, zone=zone, inclusive=True)
    if low is not None and high is not None and low >= high:
        raise UsageError(f"{names[0]} {start} is not before {names[1]} {end}; swap them, or ask for a longer window")
    return low, high


def bounded(asked: tuple[int | None, int | None]) -> Interval | None:
    """Close the open sides of a window with the ends of time; None stays all there is."""
    low, high = asked
    if low is None and high is None:
        return None
    return (0 if low is None else low, LATEST_US + 1 if high is None else high)


def last_hour(asked: tuple[int | None, int | None], now: int) -> Interval:
    """Close the open sides of a window for a question that needs both: an hour long, or until now."""
    low, high = asked
    high = (now if low is None or low < now else low + HOUR) if high is None else high
    # From a whole minute on: buckets that begin at an odd microsecond compare with nothing.
    return (max(0, high - HOUR) // MINUTE * MINUTE if low is None else low, high)


def last_day(asked: tuple[int | None, int | None], now: int) -> Interval:
    """Close the open sides of a window for a question that needs both: a day long, or until now."""
    low, high = asked
    high = (now if low is None or low < now else low + DAY) if high is None else high
    return (max(0, high - DAY) if low is None else low, high)


def last_hours(asked: tuple[int | None, int | None], now: int) -> Interval:
    """Close the open sides of a window as `last_day` does, so that a day is 24 whole hours, the last one forming."""
    low, high = last_day(asked, now)
    return (-(-high // HOUR) * HOUR - DAY if asked[0] is None else low, high)


def earlier(asked: tuple[int | None, int | None], window: Interval) -> Interval:
    """Close the open sides of a period that a window is compared with: it ends where that begins, and is as long."""
    low, high = asked
    width = window[1] - window[0]
    if high is None:
        high = window[0] if low is None else low + width
    return (high - width if low is None else low, high)


def step(name: str, text: str) -> int:
    """Read a length of time such as 1m, 5s, 1h, 90s, 250ms or 1d, in microseconds.

    Raises
    ------
    UsageError
        It has another form, or is zero.
    """
    found = _LENGTH.fullmatch(text.strip())
    length = _length(found[1], found[2]) if found else 0
    if not length:
        raise UsageError(f"{name} is no length of time (got {shown(text)}); use a form such as 250ms, 5s, 1m, 1h or 1d")
    return length


def _length(number: str, unit: str) -> int:
    whole, _, fraction = number.partition(".")
    width = _UNITS[unit]
    # Integers all the way: a float of microseconds would not be exact.
    return int(whole) * width + int((fraction or "0").ljust(6, "0")) * width // 1_000_000


def names(name: str, texts: Iterable[str] | None) -> list[str] | None:
    r"""Read names separated by commas; a comma inside of a name is written `\,`, a backslash before it `\\`.

    Raises
    ------
    UsageError
        One of them is empty.
    """
    if texts is None:
        return None
    found: list[str] = []
    for text in texts:
        if not _encodable(text):
            raise UsageError(f"{name} is no UTF-8 (got {shown(text)}); names are text in UTF-8")
        # The last match is the empty one at the end, so that a comma at the end does no harm.
        for part in _PART.findall(text)[: -1 if text else None]:
            plain = re.sub(r"\\([,\\])", r"\1", part).strip()
            if not plain:
                raise UsageError(f"{name} holds an empty name (got {shown(text)}); leave it out, or name one")
            found.append(plain)
    return found or None


def escaped(name: str) -> str:
    """Write a name so that `names` reads it as it is."""
    return name.replace("\\", "\\\\").replace(",", "\\,")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def where(
    *,
    services: Iterable[str] | None = None,
    jobs: Iterable[str] | None = None,
    queues: Iterable[str] | None = None,
    workers: Iterable[str] | None = None,
    states: Iterable[str] | None = None,
    outcomes: Iterable[str] | None = None,
) -> Filter:
    """Read a filter; each field may be given several times, and hold several names.

    Raises
    ------
    UsageError
        A name is empty, or a state or outcome is none.
    """
    return Filter(
        services=names("service", services),
        jobs=names("job", jobs),
        queues=names("queue", queues),
        workers=names("worker", workers),
        states=_among("state", [state.upper() for state in names("state", states) or ()], STATES),
        outcomes=_among("outcome", [outcome.lower() for outcome in names("outcome", outcomes) or ()], OUTCOMES),
    )


def search(
    wanted: Filter,
    *,
    text: str | None = None,
    labels: Iterable[str] | None = None,
    fingerprints: Iterable[str] | None = None,
) -> Search:
    """Read what is looked for beyond a filter.

    Raises
    ------
    UsageError
        The text is empty or too long, or a label has no colon.
    """
    pairs = []
    for label in names("label", labels) or ():
        key, colon, value = label.partition(":")
        if not key or not colon:
            raise UsageError(f"label {shown(label)} has no colon; use the form key:value")
        pairs.append((key, value))
    return Search(wanted, part(text), names("fingerprint", fingerprints), pairs)


def part(text: str | None) -> str | None:
    """Check a text that is looked for in others.

    Raises
    ------
    UsageError
        It is empty or too long.
    """
    if text is not None and not (0 < len(text) <= LONGEST_TEXT and _encodable(text)):
        raise UsageError(f"text {shown(text)} can't be looked for; send 1 to {LONGEST_TEXT} characters of UTF-8")
    return text


def _among(name: str, found: list[str], known: Sequence[str]) -> list[str] | None:
    for value in found:
        if value not in known:
            raise UsageError(f"{name} {shown(value)} is unknown; use one of {', '.join(known)}")
    return found or None
