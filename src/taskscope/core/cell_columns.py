"""Changes of cells by thousands of plain tasks: what `contributions` and `deltas` say, in columns.

Each row of `taskscope.core.plain` is one task with one run. What it contributes is laid out as entries (where, which
field, how much); entries of one cell are summed. Names are numbers here, for a cell needs nothing of a name but to be
told from others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from taskscope.core import lifecycle, sketch
from taskscope.core.cells import BAD, HISTOGRAM_SPAN, JOB_FIELDS, OK, OTHER, POSITION, WAIT, WORKER_FIELDS
from taskscope.core.clock import DAY, MINUTE
from taskscope.core.contributions import task_field
from taskscope.core.intervals import WIDTHS
from taskscope.core.plain import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from taskscope.core.plain_columns import Columns, Ints

_STATE_FIELD = np.array([task_field(state, cancelled=False) for state in lifecycle.STATES])
_OUTCOME_FIELD = np.array([POSITION[name] for name in lifecycle.OUTCOMES])
_CLASS = np.array([{lifecycle.SUCCEEDED: OK, lifecycle.FAILED_OUTCOME: BAD}.get(o, OTHER) for o in lifecycle.OUTCOMES])
_COUNT_FIELD = np.zeros(max(OK, BAD, OTHER) + 1, np.int64)
for _kind, _name in ((OK, "succeeded_count"), (BAD, "failed_count"), (OTHER, "other_count")):
    _COUNT_FIELD[_kind] = POSITION[_name]
_INFERRED_FIELD = np.array([POSITION.get(f"inferred_{name}", 0) for name in lifecycle.OUTCOMES])
_SUCCEEDED, _CANCELLED = lifecycle.OUTCOMES.index(lifecycle.SUCCEEDED), lifecycle.OUTCOMES.index(lifecycle.CANCELLED)
_BUSY, _LEVEL, _FINISHED, _FINISHED_OK, _EXEC_COUNT, _EXEC_US = range(len(WORKER_FIELDS))


_BOUNDS = np.array(sketch.BOUNDS)


class Cells(NamedTuple):
    """Changes of cells of one family, a row a cell, none of them without any change.

    Attributes
    ----------
    granularity, start, name, queue
        Where: `name` is the number of a job or of a worker.
    counts
        A column a field.
    histogram
        Of cells by job: (row, bucket, count) as three arrays, ordered by row and bucket.
    """

    granularity: Ints
    start: Ints
    name: Ints
    queue: Ints
    counts: Ints
    histogram: tuple[Ints, Ints, Ints]


class _Entries:
    """Entries that wait to be summed: instant, pair of names, field and amount."""

    def __init__(self) -> None:
        self._columns: list[list[Ints]] = [[], [], [], []]

    def add(self, time: Ints, pair: Ints, field: Ints | int, amount: Ints | int) -> None:
        """Add one entry a row."""
        for column, values in zip(self._columns, (time, pair, field, amount), strict=True):
            column.append(np.broadcast_to(values, time.shape))

    def columns(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Give all entries as four columns."""
        time, pair, field, amount = (np.concatenate(column) for column in self._columns)
        return time, pair, field, amount


def changes(old: Columns, new: Columns) -> tuple[Cells, Cells]:
    """Sum up what tasks contribute now, less what they contributed before.

    Parameters
    ----------
    old, new
        Resolved rows; those of tasks that were not known before are missing in `old`.

    Returns
    -------
    The changes of cells by job, and by worker.
    """
    rows = np.concatenate((old, new))
    sign = np.repeat((-1, 1), (len(old), len(new)))
    return _by_job(rows, sign), _by_worker(rows, sign)


def _by_job(rows: Columns, sign: Ints) -> Cells:
    pairs, pair = _paired(rows["job"], rows["queue"])
    entries, observed = _Entries(), _Entries()
    cancelled = rows["cancelled"] == 1
    state = np.where(cancelled, POSITION["tasks_cancelled"], _STATE_FIELD[rows["state"]])
    entries.add(rows["first"], pair, state, sign)
    _begun(entries, observed, rows, pair, sign)
    finished = rows["outcome"] != NONE
    _ended(entries, observed, rows[finished], pair[finished], sign[finished])
    return _summed(entries, len(JOB_FIELDS), pairs, observed)


def _begun(entries: _Entries, observed: _Entries, rows: Columns, pair: Ints, sign: Ints) -> None:
    submitted, anchor = rows["submitted"], rows["anchor"]
    for chosen, time, field in (
        (submitted != NONE, submitted, "submitted"),
        (rows["waiting"] == 0, anchor, "begun"),
        ((submitted != NONE) & (rows["waiting"] == 0), np.maximum(anchor, submitted), "taken"),
    ):
        entries.add(time[chosen], pair[chosen], POSITION[field], sign[chosen])
    waited = rows["wait"] != NONE
    start, wait, pair, sign = rows["started"][waited], rows["wait"][waited], pair[waited], sign[waited]
    entries.add(start, pair, POSITION["wait_count"], sign)
    entries.add(start, pair, POSITION["wait_us"], sign * wait)
    entries.add(start, pair, POSITION["skewed"], sign * rows["skewed"][waited])
    observed.add(start, pair, WAIT * HISTOGRAM_SPAN + _buckets(wait), sign)


def _ended(entries: _Entries, observed: _Entries, rows: Columns, pair: Ints, sign: Ints) -> None:
    finish, outcome, duration = rows["finished"], rows["outcome"], rows["duration"]
    entries.add(np.maximum(finish, rows["anchor"]), pair, POSITION["gone"], sign)
    entries.add(finish, pair, _OUTCOME_FIELD[outcome], sign)
    inferred = rows["inferred"] == 1
    entries.add(finish[inferred], pair[inferred], _INFERRED_FIELD[outcome[inferred]], sign[inferred])
    timed = duration != NONE
    finish, pair, sign, duration, kind = (
        finish[timed],
        pair[timed],
        sign[timed],
        duration[timed],
        _CLASS[outcome[timed]],
    )
    entries.add(finish, pair, _COUNT_FIELD[kind], sign)
    entries.add(finish, pair, _COUNT_FIELD[kind] + 1, sign * duration)
    observed.add(finish, pair, kind * HISTOGRAM_SPAN + _buckets(duration), sign)


def _buckets(values: Ints) -> Ints:
    """Give the number of the bucket of each value, as `sketch.bucket` does."""
    return np.minimum(np.searchsorted(_BOUNDS, values, side="right"), len(_BOUNDS) - 1) - 1


def _by_worker(rows: Columns, sign: Ints) -> Cells:
    finished = rows["outcome"] != NONE
    rows, sign = rows[finished], sign[finished]
    pairs, pair = _paired(rows["worker"], rows["queue"])
    entries = _Entries()
    entries.add(rows["finished"], pair, _FINISHED, sign)
    entries.add(rows["finished"], pair, _FINISHED_OK, sign * (rows["outcome"] == _SUCCEEDED))
    timed = rows["duration"] != NONE
    rows, sign, pair = rows[timed], sign[timed], pair[timed]
    counted = rows["outcome"] != _CANCELLED
    entries.add(rows["finished"], pair, _EXEC_COUNT, sign * counted)
    entries.add(rows["finished"], pair, _EXEC_US, sign * counted * rows["duration"])
    start = np.where(rows["started"] == NONE, rows["finished"] - rows["duration"], rows["started"])
    busy = [_Entries() for _ in WIDTHS]
    for granularity, place, at, partial, level in spread(start, start + rows["duration"]):
        busy[granularity].add(at, pair[place], _BUSY, sign[place] * partial)
        busy[granularity].add(at, pair[place], _LEVEL, sign[place] * level)
    day, there, level = whole_days(start, start + rows["duration"], pair, sign)
    busy[-1].add(day, there, _LEVEL, level)
    return _summed(entries, len(WORKER_FIELDS), pairs, busy=busy)


def _paired(names: Ints, queues: Ints) -> tuple[Ints, Ints]:
    """Give the distinct pairs of a name and a queue, packed as `name << 32 | queue`, and which of them each row has."""
    pairs, pair = np.unique(names << 32 | queues, return_inverse=True)
    return pairs, pair


def _summed(
    entries: _Entries, width: int, pairs: Ints, observed: _Entries | None = None, busy: Sequence[_Entries] = ()
) -> Cells:
    """Sum entries by minute, and minutes by hour and day; `busy` holds entries of each granularity alone."""
    count = max(1, len(pairs))
    minutes, found = _cells(entries, 0, count, width)
    _, start, pair = _unkeyed(minutes, count)
    keys = [_key(granularity, start, pair, count) for granularity in range(len(WIDTHS))]
    parts = [(key, found) for key in keys] + [_cells(one, g, count, width) for g, one in enumerate(busy)]
    key, place = np.unique(np.concatenate([key for key, _ in parts]), return_inverse=True)
    found = np.concatenate([found for _, found in parts])
    counts = np.zeros((len(key), width), found.dtype)
    np.add.at(counts, place, found)
    if counts.dtype == object and np.abs(counts).max() < 1 << 63:
        counts = counts.astype(np.int64)
    rows, buckets, seen = _histograms(observed, minutes, keys, key, count)
    changed = np.asarray(counts.any(axis=1))
    changed[rows] = True
    granularity, start, pair = _unkeyed(key[changed], count)
    name, queue = pairs[pair] >> 32, pairs[pair] & 0xFFFFFFFF
    return Cells(granularity, start, name, queue, counts[changed], ((np.cumsum(changed) - 1)[rows], buckets, seen))


def _cells(entries: _Entries, granularity: int, count: int, width: int) -> tuple[Ints, Ints]:
    """Sum entries by cell of one granularity: the packed cells in order, and a column a field."""
    time, pair, field, amount = entries.columns()
    key, place = np.unique(_key(granularity, time, pair, count), return_inverse=True)
    if np.abs(amount).sum(dtype=np.float64) > _SAFE_SUM:
        amount = amount.astype(object)
    counts = np.zeros((len(key), width), amount.dtype)
    np.add.at(counts.reshape(-1), place * width + field, amount)
    return key, counts


_SAFE_SUM = 2.0**60
"""Beyond it, as thousands of runs of a century make it, sums are made of Python's integers, which never overflow."""


def _histograms(
    observed: _Entries | None, minutes: Ints, keys: Sequence[Ints], key: Ints, count: int
) -> tuple[Ints, Ints, Ints]:
    """Count buckets by cell: (position in `key`, bucket, count), ordered, without those that come to nothing."""
    if observed is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    span = 4 * HISTOGRAM_SPAN
    time, pair, bucket, amount = observed.columns()
    place, seen = added(np.searchsorted(minutes, _key(0, time, pair, count)) * span + bucket, amount)
    minute, bucket = np.divmod(place, span)
    everywhere = np.concatenate([np.searchsorted(key, coarser)[minute] * span + bucket for coarser in keys])
    place, seen = added(everywhere, np.tile(seen, len(keys)))
    row, bucket = np.divmod(place, span)
    return row, bucket, seen


def added(key: Ints, amount: Ints) -> tuple[Ints, Ints]:
    """Sum amounts by key, in order, without the keys whose sum is nothing."""
    distinct, place = np.unique(key, return_inverse=True)
    total = np.zeros(len(distinct), np.int64)
    np.add.at(total, place, amount)
    kept = total != 0
    return distinct[kept], total[kept]


def _key(granularity: int, time: Ints, pair: Ints, count: int) -> Ints:
    """Pack the cell in which an instant lies into one number: there are few pairs."""
    width = WIDTHS[granularity]
    return (time // width * (width // MINUTE) * len(WIDTHS) + granularity) * count + pair


def _unkeyed(key: Ints, count: int) -> tuple[Ints, Ints, Ints]:
    place, pair = np.divmod(key, count)
    minute, granularity = np.divmod(place, len(WIDTHS))
    return granularity, minute * MINUTE, pair


def spread(start: Ints, end: Ints) -> Iterator[tuple[int, Ints, Ints, Ints | int, Ints | int]]:
    """Lay intervals out over cells, as `taskscope.core.intervals.spread` does with one, but for `whole_days`.

    Yields
    ------
    (granularity, positions of intervals, cell starts, partial, level): a piece each of some intervals.
    """
    for granularity, width in enumerate(WIDTHS):
        first, last = start // width * width, end // width * width
        one = first == last
        inside = np.flatnonzero(one & (end > start))
        yield granularity, inside, first[inside], (end - start)[inside], 0
        head = np.flatnonzero(~one & (start > first))
        yield granularity, head, first[head], (first + width - start)[head], 0
        tail = np.flatnonzero(~one & (end > last))
        yield granularity, tail, last[tail], (end - last)[tail], 0
        if granularity < len(WIDTHS) - 1:
            whole = -(-start // width) * width
            yield from _levels(whole, last, granularity, WIDTHS[granularity + 1])


def whole_days(start: Ints, end: Ints, pair: Ints, sign: Ints) -> tuple[Ints, Ints, Ints]:
    """Count, by pair, the intervals that cover a day whole: (day, pair, count), without those that come to nothing.

    Not laid out interval by interval: thousands of runs that cover years share their days.
    """
    first, after = -(-start // DAY), end // DAY
    some = first < after
    first, after = (pair * _DAYS + day for day in (first, after))
    at, change = added(np.concatenate((first[some], after[some])), np.concatenate((sign[some], -sign[some])))
    level = np.cumsum(change)  # back to nothing behind the last interval of a pair
    length = np.where(level == 0, 0, np.diff(at, append=0))
    steady = np.repeat(np.arange(len(at)), length)
    pair, day = np.divmod(at[steady] + _nth(length), _DAYS)
    return day * DAY, pair, level[steady]


_DAYS = 1 << 22
"""More than the days from 1970 to the year 9999."""


def _nth(length: Ints) -> Ints:
    """Count from 0 within each of some stretches that lie behind each other."""
    return np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)


def _levels(first: Ints, after: Ints, granularity: int, parent: int) -> Iterator[tuple[int, Ints, Ints, int, int]]:
    """Mark the whole cells `first .. after` that lie in parents which are not covered whole."""
    outer_first, outer_after = -(-first // parent) * parent, after // parent * parent
    within = outer_first > outer_after
    for low, high in ((first, np.where(within, after, outer_first)), (np.where(within, after, outer_after), after)):
        rising = np.flatnonzero(low < high)
        yield granularity, rising, low[rising], 0, 1
        falling = np.flatnonzero((low < high) & (high % parent != 0))
        yield granularity, falling, high[falling], 0, -1
