"""Who may do what: tokens and their scopes, signed-in people, and the actions that they leave a trace of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

READ, INGEST, AGENT, OPERATE, ADMIN = "read", "ingest", "agent", "operate", "admin"
SCOPES = (READ, INGEST, AGENT, OPERATE, ADMIN)
"""What a token may be good for. None of them contains another: a token holds each one that it needs."""
SERVICE_SCOPES = frozenset({INGEST})
"""What a token that is bound to services may be good for: nothing but their facts can be told apart by service."""
ADMIN_NAME = "admin"
"""The token that the first start makes. As long as there is no other, nobody has decided who may read."""


class Token(NamedTuple):
    """What is known of a token; the token itself is not.

    Attributes
    ----------
    name
        Of the token, never used again.
    digest
        The hash of it.
    scopes
        Some of `SCOPES`.
    services
        The only ones whose facts it may write; None for all.
    created, expires, revoked, used
        When it was made, ends by itself, was revoked, and was last used (to a minute); None for never.
    """

    name: str
    digest: bytes
    scopes: tuple[str, ...]
    services: tuple[str, ...] | None
    created: int
    expires: int | None = None
    revoked: int | None = None
    used: int | None = None

    def ended(self, now: int) -> str:
        """Say why a token opens nothing any more, empty while it does."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else ""


class SignIn(NamedTuple):
    """Somebody who is signed in: the hash of the cookie, the token that was shown, and how long it lasts."""

    digest: bytes
    token: str
    begun: int
    expires: int


class Action(NamedTuple):
    """One thing that somebody did or tried; once written, it stays as it is.

    Attributes
    ----------
    number
        The store's own, 0 before it is stored; it rises.
    time
        When it was asked for.
    who, origin
        The token or local user, and the address that it came from.
    what
        Method and path, or the command.
    status
        The HTTP status of the answer; None where there never was one: the server died meanwhile.
    before, after
        What it changed, where it says so.
    """

    number: int
    time: int
    who: str
    origin: str
    what: str
    status: int | None = None
    before: Any = None
    after: Any = None


class Caller(NamedTuple):
    """Who asks.

    Attributes
    ----------
    name
        Of the token; empty for somebody on this machine without one.
    scopes, services, expires
        As the token has them.
    via
        `token`, `session`, or `loopback` for somebody without either.
    """

    name: str
    scopes: frozenset[str]
    services: frozenset[str] | None = None
    expires: int | None = None
    via: str = "token"

    @classmethod
    def of(cls, token: Token, via: str, expires: int | None = None) -> Caller:
        """Make the caller who showed a token."""
        services = None if token.services is None else frozenset(token.services)
        return cls(token.name, frozenset(token.scopes), services, expires or token.expires, via)


ON_LOOPBACK = Caller("", frozenset({READ, INGEST}), via="loopback")
"""Somebody on this machine, as long as nobody has made a token."""


def in_order(scopes: Iterable[str]) -> tuple[str, ...]:
    """Sort scopes as `SCOPES` has them, each once."""
    given = set(scopes)
    return tuple(scope for scope in SCOPES if scope in given)
