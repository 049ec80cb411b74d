"""Changes of cells that come in columns, added to those in the file."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from taskscope.core.cell_columns import Cells, added
from taskscope.core.cells import WORKER_FIELDS
from taskscope.core.clock import DAY
from taskscope.store.sqlite.queries import statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from taskscope.core.plain_columns import Ints

_ENTRY = np.dtype([("bucket", "<u2"), ("count", "<i8")])
"""A bucket of a histogram, as `sketch.pack` writes it."""
_LEVEL = WORKER_FIELDS.index("level")


def add(connection: sqlite3.Connection, jobs: Cells, workers: Cells, now: int) -> None:
    """Add changes to the cells; those that become empty disappear."""
    sql = statements("cells")
    coarse = dict(connection.execute("SELECT day_us, finest FROM coarse_day"))
    jobs, workers = (_kept(cells, coarse) for cells in (jobs, workers))
    keys, counts = _places(jobs), jobs.counts.tolist()
    histograms = _merged(connection, keys, jobs.histogram)
    connection.executemany(
        sql["add_cell"].replace("histogram_add(histogram, excluded.histogram)", "excluded.histogram"),
        [(*key, *cell, packed, now) for key, cell, packed in zip(keys, counts, histograms, strict=True)],
    )
    lowered = np.flatnonzero((jobs.counts < 0).any(axis=1)).tolist()
    connection.executemany(sql["drop_empty_cells"], [keys[place] for place in lowered])
    keys, counts = _places(workers), workers.counts.tolist()
    connection.executemany(sql["add_worker_cell"], [(*key, *work, now) for key, work in zip(keys, counts, strict=True)])
    lowered = np.flatnonzero((workers.counts < 0).any(axis=1) | (workers.counts[:, _LEVEL] != 0)).tolist()
    connection.executemany(sql["drop_empty_worker_cells"], [keys[place] for place in lowered])


def _merged(
    connection: sqlite3.Connection, keys: Sequence[tuple[int, ...]], change: tuple[Ints, Ints, Ints]
) -> list[bytes]:
    """Add changes of histograms to those that are stored; nobody else writes meanwhile."""
    query = "SELECT histogram FROM cell WHERE granularity = ? AND start_us = ? AND job = ? AND queue = ?"
    found = [connection.execute(query, key).fetchone() for key in keys]
    stored = [row[0] if row else b"" for row in found]
    entries = np.frombuffer(b"".join(stored), _ENTRY)
    sizes = np.array([len(packed) // _ENTRY.itemsize for packed in stored], np.int64)
    row = np.repeat(np.arange(len(keys)), sizes)
    places = np.concatenate((row << 16 | entries["bucket"], change[0] << 16 | change[1]))
    place, total = added(places, np.concatenate((entries["count"], change[2])))
    merged = np.empty(len(place), _ENTRY)
    merged["bucket"], merged["count"] = place & 0xFFFF, total
    packed = merged.tobytes()
    ends = (np.searchsorted(place, np.arange(len(keys) + 1) << 16) * _ENTRY.itemsize).tolist()
    return [packed[start:end] for start, end in pairwise(ends)]


def _kept(cells: Cells, coarse: dict[int, int]) -> Cells:
    """Leave out the cells of granularities that are no longer kept."""
    if not coarse:
        return cells
    days = (cells.start // DAY * DAY).tolist()
    kept = cells.granularity >= np.array([coarse.get(day, 0) for day in days], np.int64)
    row, bucket, count = cells.histogram
    entries = kept[row]
    histogram = ((np.cumsum(kept) - 1)[row[entries]], bucket[entries], count[entries])
    granularity, start, name, queue, counts = (column[kept] for column in cells[:-1])
    return Cells(granularity, start, name, queue, counts, histogram)


def _places(cells: Cells) -> list[tuple[int, ...]]:
    columns = (cells.granularity, cells.start, cells.name, cells.queue)
    return list(zip(*(column.tolist() for column in columns), strict=True))
