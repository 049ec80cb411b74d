"""Writing counters for Prometheus: what a transaction changes in the day cells moves them, see `core.counters`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope.core import counters
from taskscope.store.postgres import rows
from taskscope.store.postgres.queries import statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskscope.store.postgres.connection import Connection
    from taskscope.store.postgres.names import Names


def tally(connection: Connection, names: Names, changes: Mapping[tuple[str, str, str], list[int]]) -> None:
    """Move the counters of some (service, job, queue)."""
    if not changes:
        return
    sql = statements("series")
    names.ensure({("job", service, job) for service, job, _ in changes})
    names.ensure({("queue", service, queue) for service, _, queue in changes})
    placed = [
        ((names.number("job", service, job), names.number("queue", service, queue)), (service, job, queue))
        for service, job, queue in sorted(changes)
    ]
    found = connection.execute(sql["read"], rows.columns([place for place, _ in placed]), binary=True).fetchall()
    known = {(job, queue): (number, packed) for number, job, queue, packed in found}
    [[latest]] = connection.execute(sql["latest"]).fetchall()
    lines = []
    for place, key in placed:
        if place in known:
            number, series = known[place][0], counters.unpack(known[place][1])
        else:
            latest += 1
            number, series = latest, counters.empty()
        packed = counters.pack(counters.change(series, changes[key]))
        lines.append((number, *place, packed, rows.checksum((number, *key, packed))))
    connection.execute(sql["write"], rows.columns(lines))
