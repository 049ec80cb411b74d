"""Writing counters for Prometheus: what a transaction changes in the day cells moves them, see `core.counters`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope.core import counters
from taskscope.store import rows
from taskscope.store.sqlite.queries import statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from taskscope.store.sqlite.names import Names


def tally(connection: sqlite3.Connection, names: Names, changes: Mapping[tuple[str, str, str], list[int]]) -> None:
    """Move the counters of some (service, job, queue)."""
    sql = statements("series")
    for (service, job, queue), change in sorted(changes.items()):
        key = (names.ensure("job", service, job), names.ensure("queue", service, queue))
        row = connection.execute(sql["read"], key).fetchone()
        if row is None:
            [number], known = connection.execute(sql["next"]).fetchone(), counters.empty()
        else:
            number, known = row[0], counters.unpack(row[1])
        packed = counters.pack(counters.change(known, change))
        crc = rows.checksum((number, service, job, queue, packed))
        if row is None:
            connection.execute(sql["begin"], (number, *key, packed, crc))
        else:
            connection.execute(sql["move"], (packed, crc, number))
