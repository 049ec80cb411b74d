"""Writing cells: changes are added, histograms are merged with what was read under the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from taskscope.core import sketch
from taskscope.core.cells import JobCell
from taskscope.core.clock import DAY
from taskscope.store.postgres import rows
from taskscope.store.postgres.queries import statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskscope.core.cells import JobKey, WorkerKey
    from taskscope.store.postgres.connection import Connection
    from taskscope.store.postgres.names import Names

Place = tuple[int, int, int, int]
"""Granularity, start, and the numbers of job or worker and of queue."""
Value = TypeVar("Value", JobCell, list[int])


def _placed(
    names: Names, kind: str, cells: Mapping[JobKey, Value], coarse: Mapping[int, int]
) -> list[tuple[Place, JobKey, Value]]:
    """Give the cells of granularities that are kept, in the order of their places."""
    kept = [(key, value) for key, value in cells.items() if key[0] >= coarse.get(key[1] // DAY * DAY, 0)]
    names.ensure({(kind, key[2], key[3]) for key, _ in kept} | {("queue", key[2], key[4]) for key, _ in kept})
    placed = [
        ((key[0], key[1], names.number(kind, key[2], key[3]), names.number("queue", key[2], key[4])), key, value)
        for key, value in kept
    ]
    return sorted(placed, key=lambda one: one[0])


def _run(connection: Connection, name: str, lines: list[Any]) -> list[tuple[Any, ...]]:
    if not lines:
        return []
    cursor = connection.execute(statements("cells")[name], rows.columns(lines), binary=True)
    return cursor.fetchall() if cursor.description else []


def add_cells(
    connection: Connection, names: Names, cells: Mapping[JobKey, JobCell], coarse: Mapping[int, int], now: int
) -> None:
    """Add changes to the cells by job; those that become empty disappear."""
    placed = _placed(names, "job", cells, coarse)
    known = {tuple(row[:4]): row[4] for row in _run(connection, "histograms", [place for place, *_ in placed])}
    lines = []
    for place, _, cell in placed:
        histogram = sketch.unpack(known.get(place))
        sketch.add(histogram, cell.histogram)
        lines.append((*place, *cell.counts, sketch.pack(histogram), now))
    _run(connection, "add_cells", lines)
    _run(connection, "drop_empty_cells", [place for place, _, cell in placed if min(cell.counts) < 0])


def add_worker_cells(
    connection: Connection, names: Names, cells: Mapping[WorkerKey, list[int]], coarse: Mapping[int, int], now: int
) -> None:
    """Add changes to the cells by worker; those that become empty disappear."""
    placed = _placed(names, "worker", cells, coarse)
    _run(connection, "add_worker_cells", [(*place, *work, now) for place, _, work in placed])
    lowered = [place for place, _, work in placed if min(work) < 0 or work[1]]
    _run(connection, "drop_empty_worker_cells", lowered)


def add_sealed_cells(
    connection: Connection, names: Names, cells: Mapping[JobKey, JobCell], coarse: Mapping[int, int]
) -> None:
    """Add contributions of dropped tasks to the sealed cells by job."""
    placed = _placed(names, "job", cells, coarse)
    known = {
        tuple(row[:4]): JobCell(list(row[4:-1]), sketch.unpack(row[-1]))
        for row in _run(connection, "read_sealed_cells", [place for place, *_ in placed])
    }
    lines = []
    for place, key, cell in placed:
        total = known.get(place, JobCell())
        total.add(cell)
        values = (*total.counts, sketch.pack(total.histogram))
        lines.append((*place, *values, rows.checksum((*key, *values))))
    _run(connection, "write_sealed_cells", lines)


def add_sealed_worker_cells(
    connection: Connection, names: Names, cells: Mapping[WorkerKey, list[int]], coarse: Mapping[int, int]
) -> None:
    """Add contributions of dropped tasks to the sealed cells by worker."""
    placed = _placed(names, "worker", cells, coarse)
    known = {
        tuple(row[:4]): row[4:] for row in _run(connection, "read_sealed_worker_cells", [place for place, *_ in placed])
    }
    lines = []
    for place, key, work in placed:
        total = [a + b for a, b in zip(known.get(place, [0] * len(work)), work, strict=True)]
        lines.append((*place, *total, rows.checksum((*key, *total))))
    _run(connection, "write_sealed_worker_cells", lines)
