import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Iterator

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


def test_what_can_not_be_wrapped_is_given_back_with_a_warning(
    scope: taskscope.Scope, caplog: pytest.LogCaptureFixture
) -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    with caplog.at_level(logging.WARNING, "taskscope"):
        for thing in (numbers, later, staticmethod(len), int):
            assert scope.task(thing) is thing
    assert len(caplog.records) == 4


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
