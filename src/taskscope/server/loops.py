"""What a server does beside answering: work that is repeated, each in a thread, whose failures are logged."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from taskscope.errors import TaskscopeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

_log = logging.getLogger("taskscope.scheduler")


class Loop(NamedTuple):
    """Work that is repeated; the pause between two rounds is counted from the end of the first."""

    name: str
    every_s: float
    work: Callable[[], object]


@asynccontextmanager
async def running(loops: Iterable[Loop]) -> AsyncIterator[None]:
    """Run loops until the end of the context, which waits for the rounds that are under way."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(_repeat(loop, stop), name=loop.name) for loop in loops]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _repeat(loop: Loop, stop: asyncio.Event) -> None:
    failing = ""
    while not stop.is_set():
        try:
            await asyncio.to_thread(loop.work)
            failing = ""
        except Exception as error:  # noqa: BLE001 - no failure of a loop may end the server
            # One that fails the same way twice a second says so once.
            if (reason := repr(error)) != failing:
                expected = isinstance(error, TaskscopeError)
                _log.error("the loop %s failed: %s", loop.name, error, exc_info=not expected)
            failing = reason
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), loop.every_s)
