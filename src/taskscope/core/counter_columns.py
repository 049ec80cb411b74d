"""Changes of counters out of changes of cells in columns: what `taskscope.core.counters` says, for many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taskscope.core import counters
from taskscope.core.cells import HISTOGRAM_SPAN, POSITION
from taskscope.core.intervals import WIDTHS

if TYPE_CHECKING:
    from taskscope.core.cell_columns import Cells
    from taskscope.core.plain_columns import Ints

_DAYS = len(WIDTHS) - 1
_BUCKET_OF = np.array(counters.BUCKET_OF)


def changes(cells: Cells) -> dict[tuple[int, int], list[int]]:
    """Give what changes of cells by job mean for the counters of each (job, queue), both by number."""
    days = np.flatnonzero(cells.granularity == _DAYS)
    pairs, pair = np.unique(cells.name[days] << 32 | cells.queue[days], return_inverse=True)
    found = np.zeros((len(pairs), counters.LENGTH), np.int64)
    for name, column in counters.PLACE.items():
        np.add.at(found[:, column], pair, _counts(cells, days, name))
    row, bucket, count = cells.histogram
    place = np.full(len(cells.granularity), -1)
    place[days] = pair
    of_days = place[row] >= 0
    row, count = place[row[of_days]], count[of_days]
    kind, number = np.divmod(bucket[of_days], HISTOGRAM_SPAN)
    for wanted, name in counters.HISTOGRAMS.items():
        first, chosen = counters.FIRST[name], kind == wanted
        buckets = np.zeros((len(pairs), counters.BUCKETS), np.int64)
        np.add.at(buckets, (row[chosen], _BUCKET_OF[number[chosen]]), count[chosen])
        found[:, first : first + counters.BUCKETS] = buckets.cumsum(axis=1)
    changed = np.flatnonzero(found.any(axis=1)).tolist()
    return {(int(pairs[p]) >> 32, int(pairs[p]) & 0xFFFFFFFF): found[p].tolist() for p in changed}


def _counts(cells: Cells, days: Ints, name: str) -> Ints:
    counts: Ints = cells.counts[days, POSITION[name]]
    inferred = counters.INFERRED.get(name)
    if inferred is not None:
        counts = counts - cells.counts[days, POSITION[inferred]]
    return counts
