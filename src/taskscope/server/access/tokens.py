"""Making, listing and revoking tokens; the same for the command line and the API.

A token is 256 random bits. Nobody can guess it, so its hash needs neither salt nor many rounds: those protect what
people choose. One SHA-256 is as good, and costs a request a microsecond.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from taskscope.core.access import ADMIN_NAME, SCOPES, SERVICE_SCOPES, Token, in_order
from taskscope.core.clock import LATEST_US, to_text
from taskscope.core.refusal import NAME_LIMIT, shown
from taskscope.errors import HomeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from taskscope.ports import Access, Store

ADMIN_FILE = "admin.token"
PREFIX = "taskscope_"
"""What every token begins with, so that those who search texts for secrets find it."""
LIMIT_TOKENS = 1_000
LIMIT_SERVICES = 100

SHAPE = PREFIX + r"[A-Za-z0-9_-]{43}"
"""The pattern of a token."""

_FORM = re.compile(SHAPE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")


def new_secret() -> str:
    """Make 256 random bits, as text."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Hash a token or a cookie, as it is stored. What is looked up by its hash tells nothing by how long that takes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def has_form(text: str) -> bool:
    """Tell whether a text could be a token."""
    return _FORM.fullmatch(text) is not None


def struck_out(text: str) -> str:
    """Strike out tokens in a text that somebody may have put one into, such as a path."""
    return _FORM.sub("***", text)


def create(
    access: Access,
    name: str,
    scopes: Sequence[str],
    *,
    services: Sequence[str] | None = None,
    expires: int | None = None,
    now: int,
) -> tuple[Token, str]:
    """Make a token.

    Parameters
    ----------
    access
        A transaction.
    name
        What it is called in lists and in what is written of actions.
    scopes
        What it is good for.
    services
        The only ones whose facts it may write; None for all.
    expires
        When it ends; None for never.
    now
        The time.

    Returns
    -------
    What is kept of it, and the token itself, which nobody can see again.

    Raises
    ------
    UsageError
        The name is taken or none, a scope is unknown, or they don't go together.
    """
    _check(name, scopes, services, expires, now)
    if sum(not known.ended(now) for known in access.tokens()) >= LIMIT_TOKENS:
        raise UsageError(f"there are {LIMIT_TOKENS} tokens; revoke those that nobody uses")
    secret = PREFIX + new_secret()
    bound = None if services is None else tuple(sorted(set(services)))
    token = Token(name, digest(secret), in_order(scopes), bound, now, expires)
    if not access.add_token(token):
        raise UsageError(f"there is, or was, a token {name!r}; choose another name: one name means one token for ever")
    return token, secret


def _check(name: str, scopes: Sequence[str], services: Sequence[str] | None, expires: int | None, now: int) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"the name {shown(name)} is none; use up to 100 letters, digits and . _ @ - (first: no sign)")
    known = ", ".join(SCOPES)
    for scope in scopes:
        if scope not in SCOPES:
            raise UsageError(f"the scope {shown(scope)} is unknown; use some of {known}")
    if not scopes:
        raise UsageError(f"a token without scopes opens nothing; use some of {known}")
    if expires is not None and not now < expires <= LATEST_US:
        raise UsageError("the token would have expired already; give a time to come")
    if services is not None:
        _check_services(services, scopes)


def _check_services(services: Sequence[str], scopes: Sequence[str]) -> None:
    if not 0 < len(services) <= LIMIT_SERVICES:
        raise UsageError(f"a token is bound to 1 to {LIMIT_SERVICES} services; leave them out for all")
    for service in services:
        if not 0 < len(service) <= NAME_LIMIT or "\0" in service:
            raise UsageError(f"the service {shown(service)} is none; names have 1 to {NAME_LIMIT} characters")
    if more := [scope for scope in scopes if scope not in SERVICE_SCOPES]:
        remedy = "make one token for ingest, another for the rest"
        raise UsageError(f"{', '.join(more)} can't be bound to services; {remedy}")


def revoke(access: Access, name: str, now: int) -> Token:
    """Revoke a token, from now on and for ever; give it as it was before.

    Raises
    ------
    UsageError
        There is none of this name.
    """
    found = access.revoke(name, now)
    if found is None:
        raise UsageError(f"there is no token {shown(name)}; see `taskscope token list`")
    return found


def listed(token: Token, now: int) -> dict[str, Any]:
    """Show what is known of a token."""
    return {
        "name": token.name,
        "scopes": list(token.scopes),
        "services": None if token.services is None else list(token.services),
        "state": token.ended(now) or "active",
        "created_at": to_text(token.created),
        "expires_at": _text(token.expires),
        "revoked_at": _text(token.revoked),
        "last_used_at": _text(token.used),
    }


def made(token: Token, secret: str) -> dict[str, Any]:
    """Show a token that was just made, for the only time."""
    return {
        "name": token.name,
        "token": secret,
        "scopes": list(token.scopes),
        "services": None if token.services is None else list(token.services),
        "expires_at": _text(token.expires),
    }


def is_decided(store: Store, now: int) -> bool:
    """Tell whether there is a token that works, beside the one that the first start makes."""
    with store.access() as access:
        return any(token.name != ADMIN_NAME and not token.ended(now) for token in access.tokens())


def ensure_admin(store: Store, home: Path, now: int) -> bool:
    """Make the token `admin` in a store that never had one, and write it into the home; tell whether it was made now.

    The file comes first, so that no crash leaves a token that nobody knows. A file that is there is taken: it is of a
    start that did not come to its end, or of a store that was there before. Of several servers that start on one store,
    one makes the token; the others leave no file.

    Raises
    ------
    HomeError
        The file can't be written or read.
    """
    with store.access() as access:
        if any(token.name == ADMIN_NAME for token in access.tokens()):
            return False
    path = home / ADMIN_FILE
    try:
        secret, written = _kept(path)
    except OSError as error:
        raise HomeError(
            f"{path} can't be written: {error}; the first start keeps the token of the admin there"
        ) from error
    with store.access(write=True) as access:
        won = access.add_token(Token(ADMIN_NAME, digest(secret), SCOPES, None, now))
    if not won and written:
        path.unlink(missing_ok=True)
    return won


def _kept(path: Path) -> tuple[str, bool]:
    """Give the token of a file, which is made if need be; and whether it was."""
    with suppress(FileNotFoundError):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(fd, encoding="utf-8") as file:
            os.fchmod(fd, 0o600)
            secret = file.read(1_000).strip()
        if not has_form(secret):
            raise OSError("it holds no token, so remove it")
        return secret, False
    secret = PREFIX + new_secret()
    beside = path.with_name(path.name + ".tmp")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        os.fchmod(fd, 0o600)
        file.write(secret + "\n")
        file.flush()
        os.fsync(fd)
    beside.replace(path)
    return secret, True


def _text(instant: int | None) -> str | None:
    return None if instant is None else to_text(instant)
