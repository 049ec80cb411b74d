"""The list of runs, a page at a time."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from taskscope.core.clock import ms, to_text
from taskscope.errors import UsageError

if TYPE_CHECKING:
    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, RunRow, Store

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000

_Int64 = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
_Cursor = tuple[_Int64, str, str, _Int64, str, str]


def runs(
    store: Store,
    where: Filter,
    *,
    window: Interval | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """List runs and waiting submissions, the newest start (of the waiting: submission) first.

    Raises
    ------
    UsageError
        The cursor is none that an earlier page gave, or the limit is out of range.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise UsageError(f"limit {limit} is out of range: ask for 1 to {MAX_LIMIT}")
    after = None if cursor is None else _read(cursor)
    with store.questions() as q:
        rows = q.page(where, window, after, limit + 1)
    more = len(rows) > limit
    items = rows[:limit]
    return {"items": [item(row) for row in items], "next_cursor": _write(items[-1]) if more else None}


def item(row: RunRow) -> dict[str, Any]:
    """Write one run as answers show it."""
    error = None
    if row.error_type is not None or row.error_message is not None:
        error = {"type": row.error_type or None, "message": row.error_message or None}
    return {
        "task": row.task,
        "attempt": row.attempt,
        "run": row.run or None,
        "service": row.service,
        "job": row.job or None,
        "queue": row.queue or None,
        "worker": row.worker or None,
        "state": row.state,
        "outcome": row.outcome,
        "inferred": row.inferred,
        "submitted_at": _text(row.submitted),
        "started_at": _text(row.start),
        "finished_at": _text(row.finish),
        "duration_ms": None if row.duration is None else ms(row.duration),
        "wait_ms": None if row.wait is None else ms(row.wait),
        "error": error,
        "fingerprint": row.fingerprint,
    }


def _text(time: int | None) -> str | None:
    return None if time is None else to_text(time)


def _write(row: RunRow) -> str:
    key: _Cursor = (row.anchor, row.service, row.task, row.attempt, row.run, row.submission)
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _read(cursor: str) -> _Cursor:
    try:
        row: _Cursor = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=_Cursor)
    except (binascii.Error, msgspec.DecodeError, UnicodeError, ValueError):
        raise UsageError("cursor: not one that an earlier page gave; start again without a cursor") from None
    return row
