import asyncio
import functools
import inspect
import logging
from collections.abc import AsyncGenerator, Generator
from typing import assert_type

import pytest

import taskscope
from tests.sdk.processes import Reader, Start


def test_a_bare_decorator_names_the_job_after_the_function(scope: taskscope.Scope, reader: Reader) -> None:
    @scope.task
    def make_invoice(order: int, *, copies: int = 1) -> tuple[int, int]:
        """Make it."""
        return order, copies

    assert make_invoice(7, copies=2) == (7, 2)
    started, ended = reader.tasks()
    assert (started["type"], ended["type"]) == ("task.started", "task.succeeded")
    assert started["job"].endswith(".make_invoice")
    assert started["job"].startswith(f"{__name__}.")
    assert make_invoice.__doc__ == "Make it."
    assert list(inspect.signature(make_invoice).parameters) == ["order", "copies"]


def test_each_call_is_a_task_of_its_own_with_what_the_decorator_says(scope: taskscope.Scope, reader: Reader) -> None:
    @scope.task(job="make_invoice", queue="billing", timeout=600)
    def work() -> None: ...

    work()
    work()
    first, _, second, _ = reader.tasks()
    assert (first["job"], first["queue"], first["data"]) == ("make_invoice", "billing", {"timeout_ms": 600_000.0})
    assert first["task"] != second["task"]


def test_an_exception_of_a_decorated_function_comes_out_as_it_was(scope: taskscope.Scope, reader: Reader) -> None:
    error = ValueError("no")

    @scope.task
    def work() -> None:
        raise error

    with pytest.raises(ValueError, match="no") as caught:
        work()
    assert caught.value is error
    assert reader.tasks()[-1]["type"] == "task.failed"


def test_an_async_function_stays_one_and_its_run_ends_when_it_has_been_awaited(
    scope: taskscope.Scope, reader: Reader
) -> None:
    @scope.task(job="fetch")
    async def fetch(n: int) -> int:
        await asyncio.sleep(0)
        return n

    async def main() -> list[int]:
        return await asyncio.gather(*(fetch(n) for n in range(3)))

    assert inspect.iscoroutinefunction(fetch)
    assert asyncio.run(main()) == [0, 1, 2]
    types = [fact["type"] for fact in reader.tasks()]
    assert types == ["task.started"] * 3 + ["task.succeeded"] * 3


def test_a_method_can_be_decorated(scope: taskscope.Scope, reader: Reader) -> None:
    class Shop:
        @scope.task
        def sell(self, n: int) -> int:
            return n + 1

    assert Shop().sell(1) == 2
    assert reader.tasks()[0]["job"].endswith("Shop.sell")


def test_a_class_and_what_can_not_be_called_are_given_back_with_a_warning(
    scope: taskscope.Scope, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "taskscope"):
        for thing in (int, 7):
            assert scope.task(thing) is thing  # type: ignore[type-var]
    assert len(caplog.records) == 2


def test_static_and_class_methods_can_be_decorated_from_either_side(scope: taskscope.Scope, reader: Reader) -> None:
    class Shop:
        @scope.task
        @staticmethod
        def one(n: int) -> int:
            return n

        @staticmethod
        @scope.task
        def two(n: int) -> int:
            return n

        @scope.task
        @classmethod
        def three(cls, shop_id: int) -> tuple[str, int]:
            return cls.__name__, shop_id

    assert (Shop.one(1), Shop().two(2), Shop().three(3)) == (1, 2, ("Shop", 3))
    started = [fact for fact in reader.tasks() if fact["type"] == "task.started"]
    assert [fact["job"].rpartition(".")[2] for fact in started] == ["one", "two", "three"]
    assert [fact.get("data") for fact in started] == [None, None, {"args": {"shop_id": 3}}]


class Adder:
    """Adds, in the manner of its kind."""

    def __init__(self, more: int) -> None:
        self.more = more

    def __call__(self, n: int) -> int:
        return n + self.more


class Waiter:
    async def __call__(self, n: int) -> int:
        await asyncio.sleep(0)
        return n


def add(a: int, b: int) -> int:
    return a + b


async def add_later(a: int, b: int) -> int:
    await asyncio.sleep(0)
    return a + b


def test_partials_and_objects_that_can_be_called_are_named_after_what_they_call(
    scope: taskscope.Scope, reader: Reader
) -> None:
    assert scope.task(functools.partial(functools.partial(add, 1), 2))() == 3
    assert scope.task(Adder(5))(1) == 6
    assert scope.task(Adder(6).__call__)(1) == 7
    assert scope.task(abs)(-1) == 1
    started = [fact for fact in reader.tasks() if fact["type"] == "task.started"]
    assert [fact["job"].removeprefix(f"{__name__}.") for fact in started] == [
        "add",
        "Adder",
        "Adder.__call__",
        "builtins.abs",
    ]


def test_a_run_of_an_async_object_or_partial_ends_when_it_has_been_awaited(
    scope: taskscope.Scope, reader: Reader
) -> None:
    later, waiter = scope.task(functools.partial(add_later, 1)), scope.task(Waiter())
    assert asyncio.run(later(2)) == 3
    assert asyncio.run(waiter(4)) == 4
    assert inspect.iscoroutinefunction(waiter)
    assert [fact["type"] for fact in reader.tasks()] == ["task.started", "task.succeeded"] * 2


def test_the_types_of_what_is_decorated_remain(scope: taskscope.Scope) -> None:
    @scope.task
    def plain(order_id: int, *, copies: int = 1) -> str:
        return str(order_id * copies)

    @scope.task(job="steps", args=True)
    def steps(n: int) -> Generator[int, str, bool]:
        yield n
        return True

    @scope.task(args=["n"])
    async def later(n: int) -> list[int]:
        return [n]

    @scope.task(timeout=5)
    async def stream(n: int) -> AsyncGenerator[int, None]:
        yield n

    # mypy checks these; at run time they give back what they are given.
    assert_type(plain(1, copies=2), str)
    assert_type(steps(1), Generator[int, str, bool])
    assert_type(asyncio.run(later(1)), list[int])
    assert_type(stream(1), AsyncGenerator[int, None])
    with pytest.raises(TypeError):
        plain("1", number=2)  # type: ignore[call-arg, arg-type]


def test_a_script_names_its_jobs_without_its_module(child: Start, reader: Reader) -> None:
    script = """
import taskscope
scope = taskscope.connect()
@scope.task
def work(): ...
work()
"""
    child(script).finish()
    assert reader.tasks()[0]["job"] == "work"
