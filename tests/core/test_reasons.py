"""The run that decides is the one by which the state of a task was resolved, and what is said of it fits."""

from __future__ import annotations

from hypothesis import given, settings

from taskscope.core import lifecycle, reasons
from taskscope.core.events import Event
from taskscope.core.runs import view
from taskscope.core.task import fold
from tests.laws.strategies import facts, marks
from tests.laws.test_oracle import Naive
from tests.oracle import Oracle


@settings(deadline=None, max_examples=300)
@given(facts, marks)
def test_what_decides_has_the_state_of_its_task(events: list[Event], mark: int) -> None:
    oracle = Oracle(events, mark)
    for service, task in oracle.tasks():
        seen = view(service, fold([e for e in events if (e.service, e.task) == (service, task)]), Naive(oracle))
        deciding = reasons.deciding(seen.runs)
        assert deciding is not None
        assert getattr(deciding, "state", None) == seen.state
        reason = reasons.of_run(deciding)
        stated = {event.id for event in events if event.task == task}
        assert (reason.fact is None) == (reason.rule in (reasons.RUNNING, reasons.TIMED_OUT, reasons.LOST))
        assert reason.fact is None or reason.fact in stated
        expected = {
            lifecycle.PENDING: {reasons.WAITING},
            lifecycle.PROCESSING: {reasons.RUNNING},
            lifecycle.RETRYING: {reasons.WAITING, reasons.RETRYING},
            lifecycle.COMPLETED: {reasons.ENDED},
            lifecycle.FAILED: {reasons.ENDED, reasons.TIMED_OUT, reasons.LOST},
        }
        assert reason.rule in expected[seen.state]
