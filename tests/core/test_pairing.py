"""Which submission a run takes, at the borders of the ten seconds that two clocks may differ."""

from __future__ import annotations

import pytest

from taskscope.core import task
from taskscope.core.runs import view
from taskscope.testing import fact
from tests.core.test_lifecycle import Nothing


def waits(submitted_s: list[float], started_s: float) -> tuple[float | None, bool, int]:
    """Give the wait in seconds of one run, whether it is skewed, and how many submissions are left."""
    events = [fact("task.submitted", at, task="t", id=f"s{at}")[0] for at in submitted_s]
    events.append(fact("task.started", started_s, task="t", run="r")[0])
    rows = view("default", task.fold(events), Nothing()).runs
    run = next(row for row in rows if not row.submission)
    return None if run.wait is None else run.wait / 1e6, run.skewed, sum(1 for row in rows if row.submission)


@pytest.mark.parametrize(
    ("submitted_s", "started_s", "expected"),
    [
        ([0], 5, (5, False, 0)),
        ([0, 3], 5, (2, False, 1)),  # the newest one
        ([0, 15], 5, (0, True, 1)),  # due exactly 10 s after it: clocks may differ so much
        ([0, 15.000001], 5, (5, False, 1)),  # a microsecond more: it belongs to another run
        ([30, 40], 5, (0, True, 1)),  # before all of them: the first one
        ([], 5, (None, False, 0)),
    ],
)
def test_a_run_takes_the_newest_submission_that_was_due(
    submitted_s: list[float], started_s: float, expected: tuple[float | None, bool, int]
) -> None:
    assert waits(submitted_s, started_s) == expected
