import asyncio
import gc
import inspect
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

import taskscope
from taskscope import current
from tests.sdk.processes import Reader, Start


def types(reader: Reader) -> list[str]:
    return [fact["type"].removeprefix("task.") for fact in reader.tasks()]


def echo(first: int) -> Generator[Any, Any, str]:
    """Yield what it is sent, and what is thrown into it as text."""
    given: Any = first
    while given != "stop":
        try:
            given = yield given
        except ValueError as error:
            given = f"caught {error}"
    return "done"


async def async_echo(first: int) -> AsyncGenerator[Any, Any]:
    given: Any = first
    while given != "stop":
        try:
            given = yield given
        except ValueError as error:
            given = f"caught {error}"
        await asyncio.sleep(0)


def test_a_generator_is_a_run_from_its_first_step_to_its_end(scope: taskscope.Scope, reader: Reader) -> None:
    recorded = scope.task(echo)
    assert inspect.isgeneratorfunction(recorded)
    steps = recorded(1)
    assert types(reader) == []
    assert next(steps) == 1
    assert types(reader) == ["started"]
    assert steps.send("x") == "x"
    assert steps.throw(ValueError("y")) == "caught y"
    with pytest.raises(StopIteration) as end:
        steps.send("stop")
    assert end.value.value == "done"
    assert types(reader) == ["started", "succeeded"]


def test_an_async_generator_is_one_too(scope: taskscope.Scope, reader: Reader) -> None:
    recorded = scope.task(async_echo)
    assert inspect.isasyncgenfunction(recorded)

    async def main() -> list[object]:
        steps = recorded(1)
        assert types(reader) == []
        found = [await anext(steps), await steps.asend("x"), await steps.athrow(ValueError("y"))]
        with pytest.raises(StopAsyncIteration):
            await steps.asend("stop")
        return found

    assert asyncio.run(main()) == [1, "x", "caught y"]
    assert types(reader) == ["started", "succeeded"]


def test_a_generator_that_is_never_asked_has_no_run(scope: taskscope.Scope, reader: Reader) -> None:
    steps = scope.task(echo)(1)
    steps.close()
    del steps

    async def main() -> None:
        later = scope.task(async_echo)(1)
        await later.aclose()
        scope.task(async_echo)(2)

    asyncio.run(main())
    gc.collect()
    assert types(reader) == []


def test_a_generator_that_is_closed_early_is_cancelled(scope: taskscope.Scope, reader: Reader) -> None:
    cleaned: list[str] = []

    @scope.task
    def tidy() -> Generator[int, None, None]:
        try:
            yield 1
            yield 2
        except GeneratorExit:
            cleaned.append("tidy")  # and it ends as if nothing had been

    steps = tidy()
    next(steps)
    steps.close()
    for _ in scope.task(echo)(1):
        break
    gc.collect()
    assert cleaned == ["tidy"]
    assert types(reader) == ["started", "cancelled", "started", "cancelled"]


def test_an_async_generator_that_is_closed_early_is_cancelled(scope: taskscope.Scope, reader: Reader) -> None:
    async def main() -> None:
        steps = scope.task(async_echo)(1)
        async for _ in steps:
            break
        await steps.aclose()

    asyncio.run(main())
    assert types(reader) == ["started", "cancelled"]


def test_a_generator_that_refuses_to_be_closed_fails_as_it_would_have(scope: taskscope.Scope, reader: Reader) -> None:
    @scope.task
    def stubborn() -> Generator[int, None, None]:
        try:
            yield 1
        except GeneratorExit:
            yield 2

    steps = stubborn()
    next(steps)
    with pytest.raises(RuntimeError, match="generator ignored GeneratorExit"):
        steps.close()
    assert types(reader) == ["started", "failed"]


def test_an_error_of_a_generator_comes_out_as_it_was(scope: taskscope.Scope, reader: Reader) -> None:
    error = KeyError("x")

    @scope.task
    def broken() -> Generator[int, None, None]:
        yield 1
        raise error

    async def broken_later() -> AsyncGenerator[int, None]:
        yield 1
        raise error

    async def main() -> None:
        async for _ in scope.task(broken_later)():
            pass

    with pytest.raises(KeyError) as caught:
        list(broken())
    assert caught.value is error
    with pytest.raises(KeyError):
        asyncio.run(main())
    thrown = scope.task(echo)(1)
    next(thrown)
    with pytest.raises(TypeError):
        thrown.throw(TypeError("thrown in"))
    assert types(reader) == ["started", "failed"] * 3
    trace = reader.tasks()[1]["data"]["error"]["traceback"]
    assert "in broken" in trace
    assert "wrap.py" not in trace


def test_ctrl_c_between_two_steps_cancels(scope: taskscope.Scope, reader: Reader) -> None:
    steps = scope.task(echo)(1)
    next(steps)
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())
    assert types(reader) == ["started", "cancelled"]


def test_an_asyncio_task_that_is_cancelled_inside_a_generator_cancels_its_run(
    scope: taskscope.Scope, reader: Reader
) -> None:
    async def main() -> None:
        inside = asyncio.Event()

        @scope.task
        async def waiting() -> AsyncGenerator[int, None]:
            yield 1
            inside.set()
            await asyncio.Event().wait()

        async def consume() -> None:
            async for _ in waiting():
                pass

        task = asyncio.create_task(consume())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert types(reader) == ["started", "cancelled"]


def test_a_generator_is_current_while_it_works_and_not_while_it_waits(scope: taskscope.Scope, reader: Reader) -> None:
    @scope.task(job="steps")
    def steps() -> Generator[str | None, None, None]:
        for _ in range(2):
            with scope.run("inner") as inner:
                yield inner.id
                assert current() is inner
            run = current()
            yield None if run is None else run.id

    one, two = steps(), steps()
    assert next(one) != next(two)
    assert current() is None
    with scope.run("outer") as outer:
        assert next(one) != next(two)
        assert current() is outer
    with scope.run("between"):
        list(one)
    list(two)
    assert current() is None
    started = [fact for fact in reader.tasks() if fact["type"] == "task.started"]
    jobs = {fact["run"]: fact["job"] for fact in started}
    links = [(fact["job"], jobs[fact["data"]["parent"]["run"]]) for fact in started if "data" in fact]
    assert links == [("inner", "steps")] * 4
    ends = [fact for fact in reader.tasks() if fact["type"] == "task.succeeded"]
    assert len(ends) == len(started) == 8


def test_an_async_generator_is_current_while_it_works_and_not_while_it_waits(scope: taskscope.Scope) -> None:
    @scope.task
    async def steps() -> AsyncGenerator[object, None]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield current()

    async def main() -> None:
        one, two = steps(), steps()
        async for run in one:
            assert run is not None
            assert run is not await anext(two)
            assert current() is None
        await two.aclose()

    asyncio.run(main())


def test_generators_that_are_left_open_end_with_their_event_loop(child: Start, reader: Reader) -> None:
    script = """
import asyncio
import taskscope
scope = taskscope.connect()

@scope.task(job="slow")
async def slow():
    try:
        yield 1
        yield 2
    finally:
        await asyncio.sleep(0.001)
        print("tidy")

async def main():
    global kept
    kept = [slow() for _ in range(20)]
    for one in kept:
        await anext(one)

asyncio.run(main(), debug=True)
"""
    assert child(script).finish().split() == ["tidy"] * 20
    assert sorted(types(reader)) == ["cancelled"] * 20 + ["started"] * 20


def test_methods_can_be_generators(scope: taskscope.Scope, reader: Reader) -> None:
    class Shop:
        @scope.task(job="numbers")
        def numbers(self, order_id: int) -> Generator[int, None, None]:
            yield from range(order_id)

        @scope.task
        @staticmethod
        def fixed() -> Generator[int, None, None]:
            yield 7

        @classmethod
        @scope.task
        def named(cls) -> Generator[str, None, None]:
            yield cls.__name__

    assert (list(Shop().numbers(3)), list(Shop.fixed()), list(Shop().named())) == ([0, 1, 2], [7], ["Shop"])
    assert types(reader) == ["started", "succeeded"] * 3
    assert reader.tasks()[0]["data"]["args"] == {"order_id": 3}
