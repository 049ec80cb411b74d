"""Sums of cells in columns are exact, however long the runs are."""

from __future__ import annotations

import numpy as np

from taskscope.core import plain_columns
from taskscope.core.cell_columns import changes, whole_days
from taskscope.core.cells import POSITION, WORKER_FIELDS
from taskscope.core.clock import DAY
from taskscope.core.normalise import LONGEST_US
from taskscope.core.plain import KINDS, NONE

TASKS = 5_000
UNNAMED = 1


def rows_of(length: int) -> plain_columns.Columns:
    """Give tasks that ended at one instant, each after the same time."""
    facts = np.full(TASKS, NONE, np.int64).astype(plain_columns.FACT)
    facts["task"], facts["kind"], facts["time"] = np.arange(TASKS), KINDS["task.succeeded"], LONGEST_US
    facts["duration"] = length
    rows = np.full(TASKS, NONE, np.int64).astype(plain_columns.ROW)
    for column in ("job", "queue", "worker"):
        rows[column] = UNNAMED
    assert not plain_columns.fold(rows, facts, np.array([UNNAMED])).any()
    plain_columns.resolve(rows, {}, {}, 0)
    return rows


def test_thousands_of_runs_of_a_century_do_not_overflow() -> None:
    rows = rows_of(LONGEST_US)
    jobs, workers = changes(rows[:0], rows)
    [day] = np.flatnonzero((jobs.granularity == 2) & (jobs.counts[:, POSITION["succeeded"]] == TASKS))
    assert TASKS * LONGEST_US > 2**63
    assert jobs.counts[day].tolist()[POSITION["succeeded_us"]] == TASKS * LONGEST_US
    assert max(counts[WORKER_FIELDS.index("exec_us")] for counts in workers.counts.tolist()) == TASKS * LONGEST_US


def test_whole_days_are_counted_once_for_all_runs_that_cover_them() -> None:
    start = np.array([0, DAY // 2, 3 * DAY, 0])
    end = np.array([3 * DAY, 5 * DAY, 4 * DAY, 2 * DAY])
    day, pair, count = whole_days(start, end, np.array([7, 7, 7, 8]), np.array([1, 1, 1, -1]))
    found = list(zip(pair.tolist(), (day // DAY).tolist(), count.tolist(), strict=True))
    assert found == [(7, 0, 1), (7, 1, 2), (7, 2, 2), (7, 3, 2), (7, 4, 1), (8, 0, -1), (8, 1, -1)]


def test_what_is_taken_back_leaves_nothing() -> None:
    rows = rows_of(90_061_000_001)
    jobs, workers = changes(rows, rows)
    assert len(jobs.start) == len(workers.start) == 0
    assert all(len(column) == 0 for column in jobs.histogram)
