"""Signing in: a token, or the link that the first start prints, against a cookie that no script can read."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from taskscope.core.access import SignIn, Token
from taskscope.core.clock import HOUR, MINUTE
from taskscope.server.access.tokens import digest, new_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskscope.ports import Access

LASTS_US = 12 * HOUR
LINK_LASTS_US = 10 * MINUTE
COOKIE = "taskscope_session"


def begin(access: Access, token: Token, now: int) -> tuple[SignIn, str]:
    """Sign somebody in who showed a token; give what is kept, and the cookie."""
    secret = new_secret()
    expires = now + LASTS_US
    begun = SignIn(digest(secret), token.name, now, expires if token.expires is None else min(expires, token.expires))
    access.sign_in(begun)
    return begun, secret


def cookie_name(headers: Mapping[str, str], *, encrypted: bool) -> str:
    """Name the cookie: those of two servers on one machine differ by the port, which cookies are not told apart by."""
    try:
        port = urlsplit(f"//{headers.get('host', '')}").port
    except ValueError:
        port = None
    # By TLS, a name that browsers take from this very host alone, and only with Secure.
    return ("__Host-" if encrypted else "") + COOKIE + (f"_{port}" if port else "")


def cookie_in(headers: Mapping[str, str], *, encrypted: bool) -> str:
    """Give the cookie that a request shows, empty where there is none."""
    wanted = cookie_name(headers, encrypted=encrypted)
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == wanted:
            return value.strip('"')
    return ""


def set_cookie(headers: Mapping[str, str], secret: str, lasts_us: int, *, encrypted: bool) -> str:
    """Write the header that hands a cookie out, or takes it back with no time left."""
    name = cookie_name(headers, encrypted=encrypted)
    flags = "Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if encrypted else "")
    return f"{name}={secret}; Max-Age={max(0, lasts_us) // 1_000_000}; {flags}"


class Link:
    """A link that signs in once, within ten minutes of the start; only this process knows it."""

    def __init__(self) -> None:
        self._code = b""
        self._token = ""
        self._until = 0

    def make(self, token: str, now: int) -> str:
        """Make the code of a link for the holder of a token; the one before is worth nothing from now on."""
        code = secrets.token_urlsafe(24)
        self._code, self._token, self._until = digest(code), token, now + LINK_LASTS_US
        return code

    def redeem(self, code: str, now: int) -> str:
        """Give the name of the token that a code stands for, once; empty for any other code."""
        if not self._code or now >= self._until or not secrets.compare_digest(digest(code), self._code):
            return ""
        self._code = b""
        return self._token
