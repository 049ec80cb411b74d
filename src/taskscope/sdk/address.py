"""Where facts are shipped to: TASKSCOPE_URL and TASKSCOPE_TOKEN, checked before anything is sent anywhere."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from taskscope.errors import UsageError

URL_VARIABLE = "TASKSCOPE_URL"
TOKEN_VARIABLE = "TASKSCOPE_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_FILE_VARIABLE = "TASKSCOPE_TOKEN_FILE"  # noqa: S105 - the same
EVENTS_PATH = "/api/v1/events"
_REMEDY = "use http://host:port or https://host"
_NO_HEADER = re.compile(r"[^\x21-\x7e]")


class Address(NamedTuple):
    """A server, as it is connected to.

    Attributes
    ----------
    host, port, encrypted
        Whom to connect to, and whether by TLS.
    path
        Of the request that takes events.
    token
        What opens the server; None where nothing is needed. It appears in no message and no `repr`.
    """

    host: str
    port: int
    encrypted: bool
    path: str
    token: str | None = None

    def __repr__(self) -> str:
        """Show it as `__str__` does: a log must not hold the token."""
        return str(self)

    def __str__(self) -> str:
        """Show the address without anything secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        prefix = self.path.removesuffix(EVENTS_PATH)
        return f"http{'s' if self.encrypted else ''}://{host}:{self.port}{prefix}"

    @property
    def exposes_token(self) -> bool:
        """Whether the token travels in the clear beyond this machine."""
        return self.token is not None and not self.encrypted and not _is_loopback(self.host)


def read_address(environment: Mapping[str, str]) -> Address | None:
    """Read the address of the server from environment variables; None where none is named.

    Raises
    ------
    UsageError
        The address or the token makes no sense.
    """
    url = environment.get(URL_VARIABLE, "").strip()
    return parse_address(url, read_token(environment)) if url else None


def read_token(environment: Mapping[str, str]) -> str | None:
    """Give the token: it stands in a variable, or in a file that another one names.

    Raises
    ------
    UsageError
        The file can't be read.
    """
    path = environment.get(TOKEN_FILE_VARIABLE, "").strip()
    if environment.get(TOKEN_VARIABLE) or not path:
        return environment.get(TOKEN_VARIABLE)
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"{TOKEN_FILE_VARIABLE} names a file that can't be read: {reason}") from error


def parse_address(url: str, token: str | None = None) -> Address:
    """Read a URL, which may have a path in front of `/api/v1/events`.

    The messages do not repeat the URL: it may hold a password by mistake.

    Raises
    ------
    UsageError
        It is no http or https URL, or holds what belongs elsewhere; or the token is no word.
    """
    token = (token or "").strip() or None
    if token is not None and _NO_HEADER.search(token):
        raise UsageError(f"{TOKEN_VARIABLE} holds a character that a token can't have; give it as it was printed")
    if _NO_HEADER.search(url):
        raise UsageError(f"{URL_VARIABLE} holds a space or a character beyond ASCII; {_REMEDY}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{URL_VARIABLE} is no URL; {_REMEDY}") from error
    if parts.scheme not in ("http", "https"):
        raise UsageError(f"{URL_VARIABLE} begins with {parts.scheme or 'no scheme'!r}; {_REMEDY}")
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"{URL_VARIABLE} holds a user or a password; put the token into {TOKEN_VARIABLE}")
    if not host or port == 0:
        raise UsageError(f"{URL_VARIABLE} names no {'port' if host else 'host'}; {_REMEDY}")
    if parts.query or parts.fragment:
        raise UsageError(f"{URL_VARIABLE} holds a query or a fragment; {_REMEDY}")
    encrypted = parts.scheme == "https"
    path = parts.path.rstrip("/").removesuffix(EVENTS_PATH) + EVENTS_PATH
    return Address(host, port or (443 if encrypted else 80), encrypted, path, token)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
