"""The log of changes, as both stores keep it: who follows a store reads on from the row that it knows.

A row is written by the transaction that changes something, and gets the next number. Writers are one at a time, so rows
become visible in the order of their numbers: a reader that has seen a number has missed none before it.
"""

from __future__ import annotations

import secrets
import struct
from typing import TYPE_CHECKING

from taskscope.ports import Changes, Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KEPT = 10_000
"""How many of the newest rows are kept."""
MOST_TASKS = 500
"""How many tasks a row names; whoever missed more is better served with a new picture."""
START = Position(0, 0)


def new_token() -> int:
    """Draw a token."""
    return secrets.randbits(62) + 1


def pack(tasks: Sequence[int]) -> bytes:
    """Write the numbers of tasks."""
    return struct.pack(f"<{len(tasks)}q", *tasks)


def read(rows: Iterable[tuple[int, int, bytes | None]], after: Position, limit: int) -> Changes:
    """Read what changed behind a position.

    Parameters
    ----------
    rows
        (number, token, tasks) of the rows from that of the position on, by number.
    """
    rows = iter(rows)
    if after != START:
        first = next(rows, None)
        if first is None or first[:2] != after:
            return Changes((), "forgotten" if first is not None and first[0] > after.number else "unknown")
    found: set[int] = set()
    for expected, (number, _, tasks) in enumerate(rows, start=after.number + 1):
        if number != expected:
            return Changes((), "forgotten")
        if tasks is None:
            return Changes((), "many")
        found.update(struct.unpack(f"<{len(tasks) // 8}q", tasks))
        if len(found) > limit:
            return Changes((), "many")
    return Changes(sorted(found))
