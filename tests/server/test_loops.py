import asyncio
import logging
from collections.abc import Callable

import pytest

from taskscope.errors import StoreBusyError
from taskscope.server.loops import Loop, running


def run(work: Callable[[], object], wanted: int) -> None:
    """Run one loop until it has gone round so often."""

    async def main() -> None:
        loop, enough, rounds = asyncio.get_running_loop(), asyncio.Event(), 0

        def counted() -> None:
            nonlocal rounds
            rounds += 1
            if rounds == wanted:
                loop.call_soon_threadsafe(enough.set)
            work()

        async with running([Loop("work", 0.0001, counted)]), asyncio.timeout(20):
            await enough.wait()

    asyncio.run(main())


def test_a_loop_that_fails_goes_on_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        if len(calls) <= 5:
            raise StoreBusyError("the store is busy")
        if len(calls) == 8:
            raise ValueError("a mistake")

    with caplog.at_level(logging.ERROR, "taskscope"):
        run(work, 12)
    told = [(record.getMessage(), record.exc_info is not None and bool(record.exc_info)) for record in caplog.records]
    assert told == [
        ("the loop work failed: the store is busy", False),
        ("the loop work failed: a mistake", True),
    ]


def test_the_round_that_is_under_way_ends_before_the_server_does() -> None:
    ended: list[bool] = []

    async def main() -> None:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()
        go_on = asyncio.Event()

        def work() -> None:
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(20)
            ended.append(True)

        async with running([Loop("work", 60, work)]):
            await begun.wait()
            loop.call_soon(go_on.set)
        assert ended == [True]

    asyncio.run(main())
