"""Calls to servers that somebody named: webhooks, heartbeats, scrapes. Who may write an address must not reach more.

A name is resolved once, and the connection goes to the very address that was checked: a name that leads elsewhere a
moment later changes nothing. No redirect is followed and no proxy is asked. Addresses of this machine, of private
networks and of what clouds tell their machines are refused unless the settings allow them. The answer has a bounded
size, and the call a bounded time.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from taskscope.errors import CallRefusedError, ServerAwayError

CALL_S = 10.0
ANSWER_LIMIT_BYTES = 1 << 20

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Resolve = Callable[[str, int], list[Any]]
_SPECIAL = (ipaddress.ip_network("168.63.129.16/32"), ipaddress.ip_network("192.0.0.0/24"))
"""What clouds tell their machines under addresses that look like any other; the rest is link-local or private."""
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Answer(NamedTuple):
    """What a server said; a redirect is an answer like any other."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Target(NamedTuple):
    host: str
    port: int
    encrypted: bool
    path: str

    @property
    def shown(self) -> str:
        """Name it without path and query: in those of webhooks lie secrets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.encrypted else ''}://{host}:{self.port}"


def _resolved(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def call(
    url: str,
    *,
    method: str = "POST",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    allowed: Iterable[str] = (),
    limit_s: float = CALL_S,
    resolve: _Resolve = _resolved,
) -> Answer:
    """Call a server once.

    Parameters
    ----------
    url
        Of http or https, without user and password.
    method, body, headers
        What to send.
    allowed
        Networks that may be reached although they are private, as CIDR.
    limit_s
        How long it may take, from the connection to the end of the answer.
    resolve
        Gives the addresses of a name, as `socket.getaddrinfo` does.

    Raises
    ------
    CallRefusedError
        The address is none, or must not be reached.
    ServerAwayError
        The server can't be reached, or gave no whole answer in time.
    """
    target = _target(url)
    place = _place(target, [ipaddress.ip_network(network) for network in allowed], resolve)
    try:
        return _ask(target, place, limit_s, method, body, {"User-Agent": "taskscope", **(headers or {})})
    except TimeoutError as error:
        raise ServerAwayError("timeout", f"{target.shown} does not answer in time") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        kind = type(error).__name__
        raise ServerAwayError(kind, f"{target.shown} can't be reached, or gives no whole answer: {kind}") from error


def _target(url: str) -> _Target:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise CallRefusedError("the address of the call is no URL; use https://host/path") from error
    if parts.scheme not in ("http", "https") or not host:
        raise CallRefusedError("the address of the call does not begin with https:// or http:// and a host")
    if parts.username is not None or parts.password is not None:
        raise CallRefusedError("the address of the call holds a user or a password; send them in a header")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise CallRefusedError("the address of the call holds what must be written as %..; encode it")
    encrypted = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(host, port or (443 if encrypted else 80), encrypted, path)


def _place(target: _Target, allowed: list[Any], resolve: _Resolve) -> Any:
    """Give the one address that is connected to."""
    try:
        found = resolve(target.host, target.port)
    except (OSError, UnicodeError) as error:
        raise ServerAwayError("name", f"the name of {target.shown} leads nowhere") from error
    for family, _, _, _, address in found:
        if may_be_called(ipaddress.ip_address(str(address[0]).partition("%")[0]), allowed):
            return family, address
    remedy = "name its network in the setting outgoing_networks if that is meant"
    raise CallRefusedError(f"{target.shown} leads to this machine or a private network; {remedy}")


def may_be_called(address: _Address, allowed: Iterable[Any] = ()) -> bool:
    """Tell whether an address may be called: a public one, or one in an allowed network.

    An IPv6 address that carries one of IPv4 is judged by that.
    """
    inner = _carried(address)
    if inner is not None:
        return may_be_called(inner, allowed)
    if any(address.version == network.version and address in network for network in allowed):
        return True
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    special = any(address.version == network.version and address in network for network in _SPECIAL)
    return address.is_global and not address.is_multicast and not special


def _carried(address: _Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _ask(target: _Target, place: Any, limit_s: float, method: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    opened: list[socket.socket] = []
    late = threading.Event()
    kind = http.client.HTTPSConnection if target.encrypted else http.client.HTTPConnection
    with closing(kind(target.host, target.port)) as connection:
        # A limit for each step would let a server that says a byte a second go on for ever.
        ending = threading.Timer(limit_s, _cut, (opened, late))
        ending.daemon = True
        ending.start()
        try:
            connection.sock = _connected(target, place, limit_s, opened)
            connection.request(method, target.path, body or None, dict(headers))
            with closing(connection.getresponse()) as response:
                answer = _whole(response)
        except (OSError, http.client.HTTPException) as error:
            if late.is_set():
                raise TimeoutError from error
            raise
        finally:
            ending.cancel()
    if late.is_set():  # what was cut off may look like an end
        raise TimeoutError
    return answer


def _connected(target: _Target, place: Any, limit_s: float, opened: list[socket.socket]) -> socket.socket:
    family, address = place
    opened.append(plain := socket.socket(family, socket.SOCK_STREAM))
    plain.settimeout(limit_s)
    plain.connect(address)
    if not target.encrypted:
        return plain
    context = ssl.create_default_context()
    safe = context.wrap_socket(plain, server_hostname=target.host, do_handshake_on_connect=False)
    opened.append(safe)
    safe.do_handshake()
    return safe


def _whole(response: http.client.HTTPResponse) -> Answer:
    content = response.read(ANSWER_LIMIT_BYTES + 1)
    if len(content) > ANSWER_LIMIT_BYTES or response.length:
        raise http.client.HTTPException("the answer has no end, or is cut off")
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


def _cut(opened: list[socket.socket], late: threading.Event) -> None:
    late.set()
    for one in opened:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
