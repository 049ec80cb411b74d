"""When to try a server again: exponential backoff with full jitter, and what the server itself asks for."""

import email.utils
import math
import re
from datetime import UTC, datetime

BASE_S = 0.5
CAP_S = 60.0
DENIED_S = 60.0
RETRY_AFTER_CAP_S = 300.0
_DOUBLINGS = 10  # 0.5 s doubled ten times is beyond the cap


def delay_s(failures: int, chance: float, retry_after_s: float = 0.0) -> float:
    """Give how long to wait before the next attempt, seconds.

    Full jitter, after "Exponential Backoff And Jitter" (M. Brooker, 2015): of many senders that lost a server at the
    same moment no two come back together. A server that says when it wants to be asked again is never asked earlier,
    and the jitter comes on top.

    Parameters
    ----------
    failures
        How many attempts in a row have failed, from 1.
    chance
        A random number of [0, 1).
    retry_after_s
        What the server asked for.
    """
    ceiling_s = min(CAP_S, BASE_S * 2.0 ** min(max(failures, 1), _DOUBLINGS))
    return min(max(retry_after_s, 0.0), RETRY_AFTER_CAP_S) + chance * ceiling_s


def retry_after_s(header: str | None, date: str | None, now: datetime) -> float:
    """Read a `Retry-After`, in seconds or as an HTTP date; what is neither counts as nothing.

    Parameters
    ----------
    header
        The value of `Retry-After`.
    date
        The server's own `Date`, by which its dates are meant: its clock and ours may differ.
    now
        Our clock, for a server that gives no date.
    """
    if not header:
        return 0.0
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", header.strip()):
        return float(header)
    at = _http_date(header)
    if at is None:
        return 0.0
    seconds = (at - (_http_date(date) or now)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _http_date(text: str | None) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if found is None:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
