"""What the door sees of a request, and how it refuses one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from litestar.utils import normalize_path

from taskscope.server import hosts
from taskscope.server.access.sessions import cookie_in
from taskscope.server.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from litestar.types import Scope, Send

    from taskscope.server.problems import ProblemError

_WRAPPED = "/api/v1/scheduler/"


class Seen(NamedTuple):
    """What the door sees of a request.

    Attributes
    ----------
    kind, method, path
        `http` or `websocket`; GET for the latter; the path as the router reads it.
    headers
        By name in lower case.
    address, bound
        Where it comes from, and the address of this machine that it arrived at.
    encrypted
        Whether it is known to have come by TLS.
    """

    kind: str
    method: str
    path: str
    headers: dict[str, str]
    address: str
    bound: str
    encrypted: bool

    @classmethod
    def of(cls, scope: Scope) -> Seen:
        """Look at a request."""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            # Of a header that comes twice, neither is believed more than the other.
            joint = "; " if key == "cookie" else ", "
            headers[key] = f"{headers[key]}{joint}{text}" if key in headers else text
        client, server = scope.get("client"), scope.get("server")
        return cls(
            str(scope["type"]),
            str(scope.get("method", "GET")).upper(),
            normalize_path(scope["path"]),
            headers,
            client[0] if client else "",
            str(server[0]) if server else "",
            scope.get("scheme") in ("https", "wss"),
        )

    @property
    def is_websocket(self) -> bool:
        """Whether it opens a WebSocket."""
        return self.kind == "websocket"

    @property
    def origin(self) -> str:
        """Where it came from, for the trace."""
        return f"{self.address} (by a proxy)" if hosts.is_forwarded(self.headers) else self.address

    @property
    def is_from_here(self) -> bool:
        """Whether it certainly comes from this machine."""
        by_name = hosts.is_local(self.headers.get("host", ""))
        return by_name and hosts.is_loopback(self.address) and not hosts.is_forwarded(self.headers)

    def shown(self) -> tuple[str, str]:
        """Give what it shows: `token` with an empty text for a header that is none, else `session` and the cookie."""
        given = self.headers.get("authorization")
        if given is None:
            return "session", cookie_in(self.headers, encrypted=self.encrypted)
        scheme, _, token = given.strip().partition(" ")
        return "token", token.strip() if scheme.lower() == "bearer" else ""


async def refuse(seen: Seen, problem: ProblemError, send: Send) -> None:
    """Answer with a problem document, or as document 002 has it where that is the custom."""
    status = problem.status
    media_type = MEDIA_TYPE
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": problem.detail,
    }
    if seen.path.startswith(_WRAPPED):
        media_type, body = "application/json", {"code": int(status), "message": problem.detail, "data": None}
    content = b"" if seen.method == "HEAD" else msgspec.json.encode(body)
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(content)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in (problem.headers or {}).items()]
    prefix = "websocket." if seen.is_websocket else ""
    started: Any = {"type": f"{prefix}http.response.start", "status": int(status), "headers": headers}
    ended: Any = {"type": f"{prefix}http.response.body", "body": content, "more_body": False}
    await send(started)
    await send(ended)
