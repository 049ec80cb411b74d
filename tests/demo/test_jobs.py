"""The work: it is real, and every fate that is planned comes about."""

import itertools
import json
import zlib

import pytest

from taskscope import TimedOut
from taskscope.demo.jobs import TooEarly, perform
from taskscope.demo.plan import orders
from taskscope.demo.tray import Order

DAMAGE: dict[str, type[Exception]] = {
    "compress": zlib.error,
    "parse": json.JSONDecodeError,
    "hash": ValueError,
    "render": ZeroDivisionError,
}


@pytest.mark.parametrize("job", DAMAGE)
def test_a_job_works_on_good_input_and_fails_on_damaged_input(job: str) -> None:
    perform(Order("t", job, "media", 1))
    with pytest.raises(DAMAGE[job]):
        perform(Order("t", job, "media", 1, fate="corrupt"))


def test_a_task_that_comes_too_early_asks_for_another_attempt() -> None:
    with pytest.raises(TooEarly) as raised:
        perform(Order("t", "parse", "reports", 1, too_early=1))
    assert raised.value.eta == raised.value.due_ms / 1000
    perform(Order("t", "parse", "reports", 1, too_early=1, attempt=2))


def test_an_endless_task_gives_up_at_its_limit() -> None:
    with pytest.raises(TimedOut):
        perform(Order("t", "hash", "reports", 1, fate="endless", limit_s=0.001))


def test_the_plan_is_the_same_every_time_and_has_every_fate_at_once() -> None:
    first, second = ([*itertools.islice(orders(), 300)] for _ in range(2))
    assert first == second
    assert {order.fate for order in first[:8]} == {"fine", "corrupt", "endless", "stuck"}
    assert sum(order.fate == "stuck" for order in first) == 1
    assert len({order.task for order in first}) == 300
    assert {order.queue for order in first} == {"media", "reports"}
