"""The door: every request is judged here, around the whole application, before any route is looked for.

1. The Host header names this server, or nothing is answered (DNS rebinding).
2. No page of another origin sent it, where it takes anything or changes anything (CSRF, foreign WebSockets).
3. The token or the cookie opens something (401), enough for what the request takes (403), and not too often (429).
4. An action is written down before it happens.
5. The body ends in time. Every answer carries the headers that browsers need.

So 401 and 403 come before 404 and before any validation, and a route needs nothing of its own to be closed.
"""

from __future__ import annotations

import asyncio
import logging
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from taskscope.core.access import Action, Caller
from taskscope.errors import TaskscopeError
from taskscope.server import hosts
from taskscope.server.access import journal
from taskscope.server.access.demands import ANYBODY, OPEN, SAFE, demand, is_action
from taskscope.server.access.headers import with_security
from taskscope.server.access.journal import Change
from taskscope.server.access.limits import Rate
from taskscope.server.access.request import Seen, refuse
from taskscope.server.problems import ProblemError, saturated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from taskscope.ports import Store
    from taskscope.server.access.callers import Callers

BODY_S = 30.0
"""How long a body may take to come, but for events, which have a time of their own."""
BURST_S = 10.0
"""For how many seconds a caller may be ahead of its rate."""
_EVENTS = "/api/v1/events"
_FAILURES_PER_S, _FAILURES = 0.2, 20.0
_CHALLENGE = 'Bearer realm="taskscope"'
_WHY = {
    "unknown": "this token is not known here",
    "expired": "this token, or the time that you were signed in, has expired",
    "revoked": "this token was revoked",
}

_log = logging.getLogger("taskscope")


class Guard:
    """Judges requests; one for a server.

    Parameters
    ----------
    store
        Where actions are written.
    callers
        Tells who asks.
    clock
        Gives the time, microseconds.
    monotonic
        A clock that only rises, seconds.
    names
        Public names of this server.
    requests_per_s
        How many requests a token has a second, on average.
    """

    def __init__(
        self,
        store: Store,
        callers: Callers,
        clock: Callable[[], int],
        monotonic: Callable[[], float],
        *,
        names: Collection[str],
        requests_per_s: float,
    ) -> None:
        self._store = store
        self._callers = callers
        self._clock = clock
        self._names = frozenset(name.lower().rstrip(".") for name in names)
        self.requests = Rate(requests_per_s, requests_per_s * BURST_S, monotonic)
        self.failures = Rate(_FAILURES_PER_S, _FAILURES, monotonic)

    def around(self, application: ASGIApp) -> ASGIApp:
        """Put the door in front of an application."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            seen, change = Seen.of(scope), Change()
            demanded = demand(seen.method, seen.path)
            send = _with_headers(seen, send, private=demanded != OPEN or seen.method not in SAFE)
            try:
                caller = await self._judge(seen, demanded)
            except ProblemError as problem:
                await refuse(seen, problem, send)
                return
            scope["state"]["caller"], scope["state"]["change"] = caller, change
            if seen.is_websocket:
                await application(scope, receive, self._while_valid(seen, send))
                return
            if seen.path != _EVENTS:
                receive = _in_time(receive)
            if caller is None or not is_action(seen.method, demanded):
                await application(scope, receive, send)
                return
            try:
                send = await self._written(seen, caller, change, send)
            except ProblemError as problem:
                await refuse(seen, problem, send)
                return
            await application(scope, receive, send)

        return guarded

    async def _judge(self, seen: Seen, demanded: str) -> Caller | None:
        """Say who is let in, None for anybody.

        Raises
        ------
        ProblemError
            Nobody is, and why.
        """
        changes = seen.is_websocket or seen.method not in SAFE
        self._check_host(seen)
        if (changes or demanded != OPEN) and hosts.is_foreign(
            seen.headers, encrypted=seen.encrypted, navigates=not changes
        ):
            raise ProblemError(
                HTTPStatus.FORBIDDEN, "a page of another origin sent this; only pages of this server may"
            )
        if demanded == OPEN:
            return None
        try:
            caller = await self._caller(seen)
        except TaskscopeError as error:
            _log.error("nobody can be let in: %s", error)
            raise saturated("the store does not answer, so nobody can be let in; try again") from error
        if demanded != ANYBODY and demanded not in caller.scopes:
            raise _too_little(caller, demanded)
        if changes and caller.via == "session" and not hosts.shows_origin(seen.headers):
            detail = "a cookie alone changes nothing: send Origin, as browsers do, or a token as Authorization: Bearer"
            raise ProblemError(HTTPStatus.FORBIDDEN, detail)
        if caller.name and (wait_s := self.requests.take(caller.name)):
            raise too_many("this token sends too many requests", wait_s)
        return caller

    def _check_host(self, seen: Seen) -> None:
        host = seen.headers.get("host", "")
        if not hosts.is_known(host, self._names, seen.bound):
            detail = f"Host {host[:200]!r} is not this server: use 127.0.0.1, localhost or a name of the setting hosts"
            raise ProblemError(HTTPStatus.FORBIDDEN, detail)

    async def _caller(self, seen: Seen) -> Caller:
        kind, secret = seen.shown()
        if not secret:
            here = await self._callers.on_loopback() if kind == "session" and seen.is_from_here else None
            if here is None:
                detail = "this takes a token, sent as Authorization: Bearer; `taskscope token create` makes one"
                raise ProblemError(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": _CHALLENGE})
            return here
        if not self._callers.is_known(kind, secret) and (wait_s := self.failures.wait_s(seen.address)):
            raise too_many("too many tokens from there were none", wait_s)
        found = await self._callers.show(kind, secret)
        if found.caller is None:
            self.failures.take(seen.address)
            challenge = {"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'}
            raise ProblemError(HTTPStatus.UNAUTHORIZED, _WHY[found.why], challenge)
        return found.caller

    async def _written(self, seen: Seen, caller: Caller, change: Change, send: Send) -> Send:
        """Write an action down; give what writes how it ended, before the answer leaves."""
        action = Action(0, self._clock(), f"{caller.name} ({caller.via})", seen.origin, f"{seen.method} {seen.path}")
        try:
            number = await asyncio.to_thread(journal.begin, self._store, action)
        except TaskscopeError as error:
            _log.error("an action can't be written down, so it does not happen: %s", error)
            raise saturated("this can't be written down now, so it does not happen; try again") from error

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                try:
                    await asyncio.to_thread(journal.end, self._store, number, self._clock(), status, change)
                except TaskscopeError as error:
                    _log.error("how action %d ended (%d) can't be written: %s", number, status, error)
            await send(message)

        return sending

    def _while_valid(self, seen: Seen, send: Send) -> Send:
        """Close a WebSocket once what opened it opens nothing any more."""
        closed = False

        async def sending(message: Message) -> None:
            nonlocal closed
            if message["type"] == "websocket.send" and not closed and not await self._is_still(seen):
                closed = True
                await send({"type": "websocket.close", "code": 1008, "reason": "the token opens nothing any more"})
            if not closed:
                await send(message)

        return sending

    async def _is_still(self, seen: Seen) -> bool:
        kind, secret = seen.shown()
        try:
            if secret:
                return (await self._callers.show(kind, secret)).caller is not None
            return await self._callers.on_loopback() is not None
        except TaskscopeError:
            return True  # the store is away for a moment: what was open stays so


def too_many(what: str, wait_s: float) -> ProblemError:
    """Make the answer of a caller who has to wait."""
    seconds = max(1, math.ceil(wait_s))
    detail = f"{what}; try again in {seconds} s"
    return ProblemError(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(seconds)})


def _too_little(caller: Caller, demanded: str) -> ProblemError:
    if not caller.name:  # a token would help
        detail = f"this takes a token with the scope {demanded}, on this machine too; admin.token in the home is one"
        return ProblemError(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": _CHALLENGE})
    detail = f"the token {caller.name!r} has not the scope {demanded}, which this takes"
    return ProblemError(HTTPStatus.FORBIDDEN, detail)


def _with_headers(seen: Seen, send: Send, *, private: bool) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            started: Any = message
            given = list(started.get("headers", ()))
            started["headers"] = with_security(given, encrypted=seen.encrypted, private=private)
        await send(message)

    return sending


def _in_time(receive: Receive) -> Receive:
    """Let a body come to its end in time; how large it may be, the application says."""
    ended = False
    until: float | None = None

    async def receiving() -> Any:
        nonlocal ended, until
        if ended:  # now a response waits for the caller to go, however long that takes
            return await receive()
        until = until or asyncio.get_running_loop().time() + BODY_S
        try:
            async with asyncio.timeout_at(until):
                message: Any = await receive()
        except TimeoutError as error:
            detail = f"the body did not come within {BODY_S:g} seconds"
            raise ProblemError(HTTPStatus.REQUEST_TIMEOUT, detail) from error
        ended = not message.get("more_body", False)
        return message

    return receiving
