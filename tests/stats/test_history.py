"""All runs of a window, whole and by bucket, are what a count by hand says, on every store."""

from __future__ import annotations

import pytest

from taskscope import stats
from taskscope.core.clock import DAY, HOUR, MINUTE
from taskscope.errors import UsageError
from taskscope.ports import Filter, Store
from taskscope.testing import START
from tests.oracle import Row
from tests.stats.story import text, told
from tests.stats.test_jobs import WINDOW, check

FILTERS = (Filter(), Filter(services=["s2"]), Filter(jobs=["j0", "j4"], queues=["q1"]))


def is_running(row: Row, at: int) -> bool:
    """Tell whether a run had begun and not ended."""
    ended = row["outcome"] is not None and max(row["finish"], row["anchor"]) < at
    return not row["waiting"] and row["anchor"] < at and not ended


def is_waiting(row: Row, at: int) -> bool:
    """Tell whether something was submitted and not begun."""
    return row["submitted"] is not None and row["submitted"] < at and (row["waiting"] or row["anchor"] >= at)


@pytest.mark.parametrize("where", FILTERS, ids=["all", "a service", "jobs of a queue"])
def test_history_is_a_count_by_hand(storied: Store, where: Filter) -> None:
    rows = [
        row
        for row in told().rows
        if all(
            names is None or row[field] in names
            for field, names in (("service", where.services), ("job", where.jobs), ("queue", where.queues))
        )
    ]
    found = stats.history(storied, where, WINDOW, 6 * HOUR)
    assert (found.start, found.end) == (text(WINDOW[0]), text(WINDOW[1]))
    assert found.running == sum(is_running(row, WINDOW[1]) for row in rows)
    assert found.pending == sum(is_waiting(row, WINDOW[1]) for row in rows)
    check(found.figures, rows, WINDOW)
    low = WINDOW[0] // (6 * HOUR) * 6 * HOUR
    assert len(found.history.buckets) == -(-(WINDOW[1] - low) // (6 * HOUR))
    for number, bucket in enumerate(found.history.buckets):
        assert bucket.start == text(low + number * 6 * HOUR)
        check(bucket, rows, (low + number * 6 * HOUR, low + (number + 1) * 6 * HOUR), tolerance=0.011)


def test_a_bucket_in_which_nothing_ran_is_there_and_says_nothing(storied: Store) -> None:
    found = stats.history(storied, Filter(), (START - DAY, START - DAY + HOUR), 10 * MINUTE)
    assert [bucket.submitted for bucket in found.history.buckets] == [0] * len(found.history.buckets)
    assert {bucket.success_rate for bucket in found.history.buckets} == {None}


def test_a_step_is_whole_minutes(storied: Store) -> None:
    with pytest.raises(UsageError, match="whole minutes"):
        stats.history(storied, Filter(), WINDOW, MINUTE // 2)
