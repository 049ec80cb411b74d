"""The queue: an order is held by one worker, and by none for longer than that one lives."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taskscope.demo.tray import Order, Tray


@pytest.fixture
def tray(tmp_path: Path) -> Tray:
    return Tray(tmp_path)


def order(number: int, due_ns: int = 0) -> Order:
    return Order(f"task-{number}", "parse", "reports", 1, due_ns=due_ns or number)


def test_orders_are_taken_in_the_order_in_which_they_are_due(tray: Tray) -> None:
    for number in (10, 2, 1):
        tray.put(order(number))
    assert [tray.take("w-1") for _ in range(4)] == [order(1), order(2), order(10), None]


def test_an_order_that_is_not_due_waits(tray: Tray) -> None:
    tray.put(order(1, due_ns=time.time_ns() + 3600 * 10**9))
    assert tray.take("w-1") is None
    assert tray.waiting() == 1


def test_every_order_is_taken_once(tray: Tray, tmp_path: Path) -> None:
    for number in range(1, 201):
        tray.put(order(number))

    def take_all(name: str) -> list[str]:
        own, found = Tray(tmp_path), []
        while (taken := own.take(name)) is not None:
            found.append(taken.task)
        return found

    with ThreadPoolExecutor(4) as pool:
        taken = [task for some in pool.map(take_all, ("w-1", "w-2", "w-3", "w-4")) for task in some]
    assert sorted(taken) == sorted(f"task-{number}" for number in range(1, 201))


def test_the_order_of_a_dead_worker_goes_back_and_a_finished_one_does_not(tray: Tray) -> None:
    tray.put(order(1))
    tray.take("w-1")
    tray.put_back("w-1")
    assert tray.take("w-2") == order(1)
    tray.done("w-2")
    tray.put_back("w-2")
    assert tray.waiting() == 0


def test_closing_is_seen_by_every_process(tray: Tray, tmp_path: Path) -> None:
    assert not Tray(tmp_path).closed
    tray.close()
    assert Tray(tmp_path).closed
