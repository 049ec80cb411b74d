"""The list of runs with filters that no index serves: over bounded stretches of runs, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.stats.cursors import Int64, checked, read, write
from taskscope.stats.listing import DEFAULT_LIMIT, MAX_LIMIT, item, runs

if TYPE_CHECKING:
    from taskscope.core.intervals import Interval
    from taskscope.ports import RunRow, Search, Store

SCAN = 5000
"""How many runs one page of a search looks at."""

_Cursor = tuple[Int64, str, str, Int64, str, str]


def search(
    store: Store,
    wanted: Search,
    *,
    window: Interval | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
    scan: int = SCAN,
) -> dict[str, Any]:
    """List runs and waiting submissions, the newest start (of the waiting: submission) first.

    Text, labels and fingerprints are looked for among about `scan` runs a page. So a page may hold fewer runs than
    asked for, even none, and still have a `next_cursor`: there the search goes on.

    Raises
    ------
    UsageError
        The cursor is none that an earlier page gave, or the limit is out of range.
    """
    if wanted.text is None and wanted.fingerprints is None and not wanted.labels:
        return runs(store, wanted.where, window=window, cursor=cursor, limit=limit)
    checked(limit, MAX_LIMIT)
    after = None if cursor is None else read(cursor, _Cursor)
    with store.questions() as q:
        found, floor = q.search(wanted, window, after, limit + 1, scan)
    items, following = found[:limit], None
    if len(found) > limit:
        following = write(_key(items[-1]))
    elif floor is not None:
        following = write((floor - 1, "", "", -1, "", ""))  # before whatever has the next smaller anchor
    return {"items": [item(row) for row in items], "next_cursor": following}


def _key(row: RunRow) -> tuple[int, str, str, int, str, str]:
    return (row.anchor, row.service, row.task, row.attempt, row.run, row.submission)
