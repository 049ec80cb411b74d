"""Listening: an address of this machine, a server on it, and a stop that lets requests end."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import uvicorn

from taskscope.errors import TaskscopeError, UsageError
from taskscope.server.hosts import is_loopback
from taskscope.server.live import messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from litestar import Litestar

GRACE_S = 10
STALLED_S = 60
"""How long somebody may take nothing of what is sent, until the system drops the connection with what waits in it."""


def listen(host: str, port: int, *, beyond: bool = False) -> socket.socket:
    """Bind a socket.

    Parameters
    ----------
    host, port
        Where; port 0 for any that is free.
    beyond
        Whether it may be reached from beyond this machine.

    Raises
    ------
    UsageError
        The host is unknown, or lies beyond this machine.
    TaskscopeError
        The address can't be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host {host} is unknown: {error}; use 127.0.0.1") from error
    for _, _, _, _, address in found:
        if not beyond and not is_loopback(str(address[0])):
            reason = "there every caller needs a token, and there is none that works"
            remedy = "make one with `taskscope token create`, or use 127.0.0.1"
            raise UsageError(f"--host {host} lies beyond this machine: {reason}; {remedy}")
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; each connection takes it over
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_S * 1000)
        listener.bind(address)
    except OSError as error:
        listener.close()
        message = f"{host}:{port} can't be had: {error.strerror}; choose another with --port (0: any that is free)"
        raise TaskscopeError(message) from error
    return listener


def url(listener: socket.socket) -> str:
    """Give the address of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def tell_manager(address: str) -> None:
    """Tell systemd that this server answers.

    Parameters
    ----------
    address
        What NOTIFY_SOCKET says, empty where nobody asked.
    """
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        manager.connect("\0" + address[1:] if address.startswith("@") else address)
        manager.send(b"READY=1")


def serve(application: Litestar, listener: socket.socket, ready: Callable[[], object]) -> None:
    """Answer until SIGTERM or SIGINT, then let what is under way end."""
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=messages.LIMIT_BYTES,
        ws_per_message_deflate=False,  # it would hold 300 kB for each who listens, and press each message anew
    )
    _Server(config, ready).run([listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> Any:  # noqa: ARG002 - what a signal handler gets
        # uvicorn would raise the signal again behind its end: a server that was told to stop, and did, has succeeded.
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True
