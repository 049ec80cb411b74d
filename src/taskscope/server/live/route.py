"""`GET /api/v1/stream`: the WebSocket on which a follower asks, and is told."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from litestar import WebSocket, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect
from litestar.params import SkipValidation

from taskscope.errors import UsageError
from taskscope.server.live import messages
from taskscope.server.live.hub import Hub
from taskscope.server.live.messages import Close, Ping, Subscribe

if TYPE_CHECKING:
    from taskscope.server.live.follower import Follower

MESSAGES = 100
MESSAGES_S = 10.0
"""How many messages a follower may send in how many seconds."""
CLOSE_S = 5.0
"""How long a follower who does not read is waited for, so that he hears why he is dropped."""

GivenHub = NamedDependency[SkipValidation[Hub]]
Socket = WebSocket[Any, Any, Any]


@websocket("/api/v1/stream")
async def follow_stream(socket: Socket, live: GivenHub) -> None:
    """Tell what is followed until one of both ends it; who may listen was judged at the door."""
    await socket.accept()
    follower = live.join()
    if follower is None:
        await _close(socket, messages.NO_ROOM)
        return
    reading = asyncio.create_task(_read(socket, follower, live))
    writing = asyncio.create_task(_write(socket, follower))
    try:
        await asyncio.wait((reading, writing, follower.ended), return_when=asyncio.FIRST_COMPLETED)
    finally:
        live.leave(follower)
        reading.cancel()
        writing.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)
    if follower.ended.done():
        await _close(socket, follower.ended.result())


async def _read(socket: Socket, follower: Follower, live: Hub) -> None:
    begun, count = time.monotonic(), 0
    while True:
        event: Any = await socket.receive()
        if event["type"] != "websocket.receive":
            return
        now = time.monotonic()
        begun, count = (now, 1) if now - begun > MESSAGES_S else (begun, count + 1)
        if count > MESSAGES:
            follower.end(messages.TOO_MANY)
        else:
            _take(event.get("text"), follower, live)


def _take(text: str | None, follower: Follower, live: Hub) -> None:
    """Do what a message asks for, or say what is wrong with it."""
    try:
        if text is None:
            raise UsageError("this is no message: it is binary; send text")  # noqa: TRY301 - answered as all others
        asked = messages.read(text)
        if isinstance(asked, Ping):
            follower.offer(messages.pong())
        elif isinstance(asked, Subscribe):
            live.subscribe(follower, asked)
        else:
            live.unsubscribe(follower, asked.id)
    except UsageError as error:
        follower.offer(messages.error(messages.id_of(text or ""), str(error)))


async def _write(socket: Socket, follower: Follower) -> None:
    with suppress(OSError, WebSocketDisconnect):  # it has gone
        while True:
            await socket.send_data((await follower.next()).decode(), mode="text")


async def _close(socket: Socket, close: Close) -> None:
    with suppress(TimeoutError, OSError, WebSocketDisconnect):
        async with asyncio.timeout(CLOSE_S):
            await socket.close(close.code, close.reason)
