"""The trace of every action: written before it happens, and once more when it is known how it ended.

An action that can't be written does not happen. One without an end was under way when the server died.
"""

from __future__ import annotations

import os
import pwd
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from taskscope.core.access import Action
from taskscope.core.clock import to_text
from taskscope.errors import UsageError
from taskscope.server.access.tokens import struck_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskscope.ports import Access, Store

DONE, FAILED = 200, 500
_LIMIT_WHAT = 1_000


class Change:
    """What an action changes: its handler says so, for whoever looks at the trace later. Never a secret."""

    def __init__(self) -> None:
        self.before: Any = None
        self.after: Any = None


def begin(store: Store, action: Action) -> int:
    """Write that somebody wants something."""
    with store.access(write=True) as access:
        return access.begin(action._replace(what=struck_out(action.what)[:_LIMIT_WHAT]))


def end(store: Store, number: int, now: int, status: int, change: Change) -> None:
    """Write how it ended."""
    with store.access(write=True) as access:
        access.end(number, now, status, change.before, change.after)


@contextmanager
def local_action(store: Store, what: str, now: int) -> Iterator[tuple[Access, Change]]:
    """Write an action of the command line in the transaction that it happens in: both are there, or neither."""
    change = Change()
    with store.access(write=True) as access:
        number = access.begin(Action(0, now, f"{_user()} (command line)", socket.gethostname(), what))
        yield access, change
        access.end(number, now, DONE, change.before, change.after)


def listed(action: Action) -> dict[str, Any]:
    """Show an action."""
    return {
        "number": action.number,
        "time": to_text(action.time),
        "who": action.who,
        "from": action.origin,
        "what": action.what,
        "status": action.status,
        "before": action.before,
        "after": action.after,
    }


def page(store: Store, cursor: str | None, limit: int) -> dict[str, Any]:
    """List actions, the newest first.

    Raises
    ------
    UsageError
        The cursor is none of ours, or the limit makes no sense.
    """
    if not 1 <= limit <= 1_000:
        raise UsageError(f"limit is {limit}; use 1 to 1000")
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise UsageError("cursor is none of ours; use next_cursor of the page before")
    with store.access() as access:
        found = access.actions(None if cursor is None else int(cursor), limit + 1)
    more = len(found) > limit
    return {
        "items": [listed(one) for one in found[:limit]],
        "next_cursor": str(found[limit - 1].number) if more else None,
    }


def _user() -> str:
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
