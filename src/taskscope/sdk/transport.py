"""One kept connection to a server: a batch goes out compressed, an answer comes back whole or not at all.

The standard library's client does the protocol. What it leaves open is decided here: no redirect is followed, no proxy
is asked, and an answer has a bounded size and a bounded time.
"""

# What is sent and a host name need these codecs, and must not import them in a thread: `shipping` says why.
import encodings.ascii
import encodings.idna  # noqa: F401
import http.client
import ssl
import time
import zlib
from contextlib import suppress
from email.message import Message
from typing import NamedTuple

from taskscope.errors import ServerAwayError
from taskscope.sdk import forks
from taskscope.sdk.address import Address

CONNECT_S = 5.0
READ_S = 30.0
ANSWER_S = 60.0
ANSWER_LIMIT_BYTES = 8 << 20
READING_LIMIT_BYTES = 256 << 20
_LEVEL = 1
_GZIP = 31


class Answer(NamedTuple):
    """What a server said: status, headers, and the body as it came."""

    status: int
    headers: Message
    body: bytes


class _Request(NamedTuple):
    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]
    limit_bytes: int


class Connection:
    """A connection that is opened when it is needed and kept while it works; for one thread.

    Parameters
    ----------
    address
        The server.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._open: http.client.HTTPConnection | None = None
        self._private_fd = -1
        self._headers = {"Accept": "application/json", "User-Agent": "taskscope"}
        if address.token is not None:
            self._headers["Authorization"] = f"Bearer {address.token}"

    def post(self, body: bytes) -> Answer:
        """Send a batch and wait for the answer.

        Raises
        ------
        ServerAwayError
            The server can't be reached, or gave no whole answer. Whether it took the batch is not known then.
        """
        kind = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        return self._exchange(
            _Request("POST", self._address.path, _gzip(body), self._headers | kind, ANSWER_LIMIT_BYTES)
        )

    def get(self, path: str) -> Answer:
        """Ask a question and wait for the answer.

        Raises
        ------
        ServerAwayError
            The server can't be reached, or gave no whole answer.
        """
        return self._exchange(_Request("GET", path, None, self._headers, READING_LIMIT_BYTES))

    def _exchange(self, request: _Request) -> Answer:
        try:
            if self._open is not None:
                try:
                    return self._ask(request)
                except (http.client.RemoteDisconnected, ConnectionError):
                    # The server closed the kept connection while nothing was to be said: no failure of the server.
                    self.close()
            self._connect()
            return self._ask(request)
        except TimeoutError as error:
            self.close()
            raise ServerAwayError("timeout", f"{self._address} does not answer in time") from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            kind = type(error).__name__
            raise ServerAwayError(kind, f"{self._address} can't be reached: {str(error) or kind}") from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the connection up; the next batch opens another."""
        kept, self._open = self._open, None
        if kept is not None:
            forks.share(self._private_fd)
            kept.close()

    def _connect(self) -> None:
        host, port = self._address.host, self._address.port
        made: http.client.HTTPConnection
        if self._address.encrypted:
            context = ssl.create_default_context()
            made = http.client.HTTPSConnection(host, port, timeout=CONNECT_S, context=context)
        else:
            made = http.client.HTTPConnection(host, port, timeout=CONNECT_S)
        made.connect()
        made.sock.settimeout(READ_S)
        self._open, self._private_fd = made, made.sock.fileno()
        forks.keep_private(self._private_fd)

    def _ask(self, request: _Request) -> Answer:
        kept = self._open
        assert kept is not None  # noqa: S101 - both callers have opened it
        # A server that refuses a batch may answer, and close, before it has read all of it.
        with suppress(BrokenPipeError, ConnectionResetError):
            kept.request(request.method, request.path, request.body, request.headers)
        response = kept.getresponse()
        body = _read(response, time.monotonic() + ANSWER_S, request.limit_bytes)
        if response.will_close:
            self.close()
        return Answer(response.status, response.headers, body)


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(body) + packer.flush()


def _read(response: http.client.HTTPResponse, deadline_s: float, limit_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(1 << 16):
        pieces.append(piece)
        size += len(piece)
        if size > limit_bytes or time.monotonic() > deadline_s:
            raise http.client.HTTPException("the answer has no end")
    if response.length:
        raise http.client.HTTPException("the answer is cut off")
    response.close()  # read to its end, it does so by itself only if it said no length
    return b"".join(pieces)
