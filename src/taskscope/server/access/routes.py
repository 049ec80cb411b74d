"""`/api/v1/session`, `/api/v1/tokens` and `/api/v1/audit`: signing in, tokens, and the trace of actions."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation

from taskscope.core.access import SCOPES, Caller, SignIn, Token
from taskscope.core.clock import to_text
from taskscope.core.instants import read_instant
from taskscope.errors import UsageError
from taskscope.ports import Store
from taskscope.server.access import journal, sessions, tokens
from taskscope.server.access.callers import Callers
from taskscope.server.access.guard import too_many
from taskscope.server.access.limits import Rate
from taskscope.server.access.sessions import Link
from taskscope.server.context import GivenContext, GivenStore
from taskscope.server.problems import ProblemError

Asked = Request[Any, Any, Any]


class Door(NamedTuple):
    """What signing in needs: who is known, how often they ask and fail, and the link of the first start."""

    callers: Callers
    requests: Rate
    failures: Rate
    link: Link


GivenDoor = NamedDependency[SkipValidation[Door]]


class Who(msgspec.Struct):
    """Who asks, and what that one may do."""

    name: Annotated[str, msgspec.Meta(description="The token; empty for somebody on this machine without one.")]
    scopes: list[str]
    services: list[str] | None
    via: Annotated[str, msgspec.Meta(description="`token`, `session` or `loopback`.")]
    expires_at: str | None


class SignInWith(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody signs in with: a token, or the code of the link that the first start printed."""

    token: str | None = None
    code: str | None = None


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """A token to be made."""

    name: str
    scopes: list[str]
    services: Annotated[list[str] | None, msgspec.Meta(description="Only their facts; left out: all.")] = None
    expires_at: Annotated[str | None, msgspec.Meta(description="RFC 3339 with an offset; left out: never.")] = None


class MadeToken(msgspec.Struct):
    """A token that was made: it is shown once."""

    name: str
    token: str
    scopes: list[str]
    services: list[str] | None
    expires_at: str | None


class KnownToken(msgspec.Struct):
    """What is known of a token."""

    name: str
    scopes: list[str]
    services: list[str] | None
    state: Annotated[str, msgspec.Meta(description="`active`, `expired` or `revoked`.")]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: Annotated[str | None, msgspec.Meta(description="To a minute.")]


class Tokens(msgspec.Struct):
    """All tokens that ever were, by name."""

    items: list[KnownToken]


class AuditEntry(msgspec.Struct, rename={"origin": "from"}):
    """One action."""

    number: int
    time: str
    who: str
    origin: str
    what: str
    status: Annotated[int | None, msgspec.Meta(description="Null: there never was an answer.")]
    before: Any
    after: Any


class AuditPage(msgspec.Struct):
    """Actions, the newest first."""

    items: list[AuditEntry]
    next_cursor: str | None


@get("/api/v1/session", sync_to_thread=False, operation_id="getSession", summary="Who asks, and what that one may do")
def get_session(request: Asked) -> Who:
    """Answer 401 where nobody is signed in."""
    caller: Caller = request.scope["state"]["caller"]
    return _who(caller)


@post("/api/v1/session", status_code=201, operation_id="signIn", summary="Sign in with a token, for 12 hours")
async def sign_in(
    request: Asked, data: SignInWith, store: GivenStore, context: GivenContext, door: GivenDoor
) -> Response[Who]:
    """Give a cookie against a token."""
    address = request.client.host if request.client else ""
    if wait_s := door.failures.wait_s(address):
        raise too_many("too many tokens from there were none", wait_s)
    now = context.clock()
    name = "" if data.code is None else door.link.redeem(data.code, now)
    token = await asyncio.to_thread(_holder, store, data.token, name)
    if token is None or token.ended(now):
        door.failures.take(address)
        detail = "this token, or this link, opens nothing (any more); `taskscope token create` makes a token"
        raise ProblemError(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})
    if wait_s := door.requests.take(token.name):
        raise too_many("this token sends too many requests", wait_s)
    begun, cookie = await asyncio.to_thread(_begin, store, token, now)
    lasts_us = begun.expires - now
    headers = {"Set-Cookie": sessions.set_cookie(_headers(request), cookie, lasts_us, encrypted=_encrypted(request))}
    return Response(_who(Caller.of(token, "session", begun.expires)), status_code=201, headers=headers)


def _holder(store: Store, secret: str | None, name: str) -> Token | None:
    """Give the token that somebody showed, or whose link it was."""
    with store.access() as access:
        if secret is not None:
            return access.token(tokens.digest(secret))
        return next((one for one in access.tokens() if name and one.name == name), None)


def _begin(store: Store, token: Token, now: int) -> tuple[SignIn, str]:
    with store.access(write=True) as access:
        return sessions.begin(access, token, now)


@delete("/api/v1/session", status_code=204, operation_id="signOut", summary="Sign out")
async def sign_out(request: Asked, store: GivenStore, door: GivenDoor) -> Response[None]:
    """End what the cookie stands for, on every server."""
    headers, encrypted = _headers(request), _encrypted(request)
    if cookie := sessions.cookie_in(headers, encrypted=encrypted):
        await asyncio.to_thread(_sign_out, store, cookie)
        door.callers.forget()
    back = {"Set-Cookie": sessions.set_cookie(headers, "", 0, encrypted=encrypted)}
    return Response(None, status_code=204, headers=back)


def _sign_out(store: Store, cookie: str) -> None:
    with store.access(write=True) as access:
        access.sign_out(tokens.digest(cookie))


@get(
    "/api/v1/tokens",
    sync_to_thread=True,
    operation_id="listTokens",
    summary="All tokens, but not the tokens themselves",
)
def list_tokens(store: GivenStore, context: GivenContext) -> Tokens:
    """List what `taskscope token list` lists."""
    now = context.clock()
    with store.access() as access:
        return Tokens([KnownToken(**tokens.listed(one, now)) for one in access.tokens()])


@post(
    "/api/v1/tokens",
    status_code=201,
    sync_to_thread=True,
    operation_id="createToken",
    summary="Make a token; it is shown once",
)
def create_token(
    request: Asked, data: NewToken, store: GivenStore, context: GivenContext, door: GivenDoor
) -> MadeToken:
    """Make what `taskscope token create` makes."""
    now = context.clock()
    expires = None if data.expires_at is None else read_instant("expires_at", data.expires_at)
    with store.access(write=True) as access:
        token, secret = tokens.create(access, data.name, data.scopes, services=data.services, expires=expires, now=now)
    request.scope["state"]["change"].after = tokens.listed(token, now)
    door.callers.forget()
    return MadeToken(**tokens.made(token, secret))


@delete(
    "/api/v1/tokens/{name:str}",
    status_code=200,
    sync_to_thread=True,
    operation_id="revokeToken",
    summary="Revoke a token, for ever",
)
def revoke_token(
    request: Asked,
    name: Annotated[str, PathParameter(description="The name of the token.")],
    store: GivenStore,
    context: GivenContext,
    door: GivenDoor,
) -> KnownToken:
    """End a token and all that were signed in with it."""
    now = context.clock()
    with store.access(write=True) as access:
        try:
            before = tokens.revoke(access, name, now)
        except UsageError as error:
            raise ProblemError(HTTPStatus.NOT_FOUND, str(error)) from error
    after = before if before.revoked is not None else before._replace(revoked=now)
    change = request.scope["state"]["change"]
    change.before, change.after = tokens.listed(before, now), tokens.listed(after, now)
    door.callers.forget()
    return KnownToken(**tokens.listed(after, now))


@get("/api/v1/audit", sync_to_thread=True, operation_id="listActions", summary="Who did what, the newest first")
def list_actions(
    store: GivenStore,
    limit: Annotated[int, QueryParameter(description="How many at most, up to 1000.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> AuditPage:
    """List actions that took the scope operate or admin."""
    return msgspec.convert(journal.page(store, cursor, limit), AuditPage)


def _who(caller: Caller) -> Who:
    return Who(
        caller.name,
        [scope for scope in SCOPES if scope in caller.scopes],
        None if caller.services is None else sorted(caller.services),
        caller.via,
        None if caller.expires is None else to_text(caller.expires),
    )


def _headers(request: Asked) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _encrypted(request: Asked) -> bool:
    return request.scope["scheme"] == "https"


ROUTES = [get_session, sign_in, sign_out, list_tokens, create_token, revoke_token, list_actions]
