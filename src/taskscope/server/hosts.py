"""Who this server believes to be: a web page elsewhere must not reach it through a name that leads to this machine.

A browser lets a page talk to its own name; whoever owns a name can let it lead to 127.0.0.1 (DNS rebinding). Then the
`Host` header still says that name, and as long as there is no access control nothing else would stop the page.
"""

from __future__ import annotations

import ipaddress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from taskscope.server.problems import ProblemError

if TYPE_CHECKING:
    from litestar import Request


def check_host(request: Request[Any, Any, Any]) -> None:
    """Refuse a request for another name than this machine's own.

    Raises
    ------
    ProblemError
        The Host header names another machine.
    """
    host = request.headers.get("host", "")
    if not is_local(host):
        detail = f"Host {host!r} is not this machine: ask for 127.0.0.1 or localhost"
        raise ProblemError(HTTPStatus.FORBIDDEN, detail)


def is_local(host: str) -> bool:
    """Tell whether a Host header names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761: these never leave the machine
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
