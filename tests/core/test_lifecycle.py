"""The table of transitions is what the fold does: each row is lived through once."""

from __future__ import annotations

import pytest

from taskscope.core import task
from taskscope.core.lifecycle import COMPLETED, FAILED, PENDING, PROCESSING, RETRYING, STATES, TRANSITIONS, Transition
from taskscope.core.runs import view
from taskscope.testing import fact


class Nothing:
    """Circumstances in which nothing is inferred."""

    mark = 0

    def life(self, service: str, boot: str) -> None:
        """Know no boot."""

    def limit(self, service: str, job: str) -> None:
        """Know no limit."""


WAYS = {
    None: [],
    PENDING: ["task.submitted"],
    PROCESSING: ["task.submitted", "task.started"],
    RETRYING: ["task.submitted", "task.started", "task.retrying"],
    COMPLETED: ["task.submitted", "task.started", "task.succeeded"],
    FAILED: ["task.submitted", "task.started", "task.failed"],
}


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: f"{row.before}-{row.on}")
def test_a_fact_leads_from_state_to_state_as_the_table_says(row: Transition) -> None:
    kinds = [*WAYS[row.before], row.on]
    events = []
    for position, kind in enumerate(kinds):
        # what follows a retry belongs to the next attempt
        attempt = 1 + ("task.retrying" in kinds[:position] and kind != "task.cancelled")
        events.append(fact(kind, position * 60, task="t", attempt=attempt, job="j")[0])
    before = task.fold(events[:-1])
    assert row.before == (view("default", before, Nothing()).state if before else None)
    assert view("default", task.fold(events), Nothing()).state == row.after


def test_every_state_is_entered_by_some_row() -> None:
    assert {row.after for row in TRANSITIONS} == set(STATES)
