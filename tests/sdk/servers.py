"""Servers for the tests of shipping: real ones over HTTP, whose answers a test decides."""

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from taskscope.sdk.address import Address, parse_address


class Request(NamedTuple):
    """A batch, or a question, as it came."""

    path: str
    headers: dict[str, str]
    lines: list[bytes]
    connection: int


class Reply(NamedTuple):
    """What to answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})


Behaviour = Callable[[Request], "Reply | bytes | None"]
"""Gives a reply, or the raw bytes of one behind which the connection is closed, or None to close it without a word."""


class Server:
    """A server of which a test says how it behaves.

    Attributes
    ----------
    behave
        What it answers.
    requests
        What came, in order.
    taken
        The events of the batches that it took.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.behave: Behaviour = take
        self.requests: list[Request] = []
        self.taken: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.port: int = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def address(self) -> Address:
        return parse_address(self.url)

    @property
    def sizes(self) -> list[int]:
        """How many events each request held."""
        return [len(request.lines) for request in self.requests]

    def hang(self, _: Request) -> None:
        """Say nothing until the end, or until the test says that it is `over`."""
        self.over.wait()

    def close(self) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                server.connections += 1
                self.number = server.connections

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                lines = gzip.decompress(body).splitlines()
                request = Request(self.path, dict(self.headers.items()), lines, self.number)
                server.requests.append(request)
                self._answer(server.behave(request), lines)

            def do_GET(self) -> None:
                request = Request(self.path, dict(self.headers.items()), [], self.number)
                server.requests.append(request)
                self._answer(server.behave(request), [])

            def _answer(self, reply: Reply | bytes | None, lines: list[bytes]) -> None:
                if not isinstance(reply, Reply):
                    self.close_connection = True
                    self.wfile.write(reply or b"")
                    return
                if reply.status == 200 and reply.body.startswith(b'{"accepted"'):
                    refused = {one["index"] for one in json.loads(reply.body)["rejected"]}
                    server.taken += [line for index, line in enumerate(lines) if index not in refused]
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that it has there
                pass

        return Handler


@contextmanager
def running(certificate: Path | None = None) -> Iterator[Server]:
    server = Server(certificate)
    try:
        yield server
    finally:
        server.close()


def receipt(sent: int, rejected: dict[int, str] | None = None) -> Reply:
    """Answer that everything was taken but the rejected."""
    named = [{"index": index, "error": error} for index, error in (rejected or {}).items()]
    document = {"accepted": sent - len(named), "duplicates": 0, "rejected": named}
    return Reply(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


def take(request: Request) -> Reply:
    """Take everything."""
    return receipt(len(request.lines))


def closed_port() -> int:
    """Give a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
