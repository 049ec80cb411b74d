"""Calls to other servers, against servers of the test itself."""

from __future__ import annotations

import ipaddress
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from taskscope.errors import CallRefusedError, ServerAwayError
from taskscope.outgoing import ANSWER_LIMIT_BYTES, call, may_be_called

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = ("127.0.0.0/8", "::1/128")


@contextmanager
def server(answer: Callable[[socket.socket], object]) -> Iterator[tuple[int, list[bytes]]]:
    """Give the port of a server that answers as told, and the beginnings of what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def work() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(65_536))
                    with suppress(OSError):
                        answer(connection)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield listener.getsockname()[1], asked
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def saying(text: bytes) -> Callable[[socket.socket], object]:
    return lambda connection: connection.sendall(text)


OK = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Kind: test\r\n\r\nhi")


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "100.100.100.200",
        ),
        *(
            "169.254.169.254",
            "169.254.170.2",
            "168.63.129.16",
            "192.0.0.192",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
        ),
        *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
        *(
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2001:0:1:1::80ff:fffe",
            "::7f00:1",
            "fec0::1",
            "64:ff9b:1::1",
        ),
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not may_be_called(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_a_public_address_may_be_called(address: str) -> None:
    assert may_be_called(ipaddress.ip_address(address))


def test_a_network_that_is_allowed_may_be_called_and_its_neighbour_not() -> None:
    networks = [ipaddress.ip_network("10.1.0.0/16")]
    assert may_be_called(ipaddress.ip_address("10.1.255.1"), networks)
    assert may_be_called(ipaddress.ip_address("::ffff:10.1.0.1"), networks)
    assert not may_be_called(ipaddress.ip_address("10.2.0.1"), networks)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"])
def test_this_machine_is_not_called_however_it_is_written(host: str) -> None:
    with server(OK) as (port, asked), pytest.raises((CallRefusedError, ServerAwayError)):
        call(f"http://{host}:{port}/")
    assert asked == []


def test_a_network_that_is_allowed_is_called() -> None:
    with server(OK) as (port, asked):
        answer = call(f"http://127.0.0.1:{port}/hook?a=1", body=b"{}", headers={"X-A": "b"}, allowed=HERE)
    assert answer.status == 200
    assert answer.headers["x-kind"] == "test"
    assert answer.body == b"hi"
    [request] = asked
    assert request.startswith(b"POST /hook?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"X-A: b\r\n" in request


def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_called() -> None:
    """A name that leads elsewhere a moment later."""
    answers: list[tuple[str, int]] = []
    with server(OK) as (port, asked), server(OK) as (other, asked_other):
        places = iter([("127.0.0.1", port), ("127.0.0.1", other)])

        def resolve(host: str, _: int) -> list[Any]:
            answers.append(next(places))
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", answers[-1])]

        assert call("http://hook.example/", allowed=HERE, resolve=resolve).status == 200
    assert len(answers) == 1
    assert (len(asked), len(asked_other)) == (1, 0)
    assert b"Host: hook.example\r\n" in asked[0]


def test_of_the_addresses_of_a_name_only_one_that_may_be_called_is() -> None:
    with server(OK) as (port, _):

        def resolve(_host: str, _port: int) -> list[Any]:
            return [(socket.AF_INET, 1, 6, "", (address, port)) for address in ("169.254.169.254", "127.0.0.1")]

        assert call("http://hook.example/", allowed=HERE, resolve=resolve).status == 200
        with pytest.raises(CallRefusedError, match="outgoing_networks"):
            call("http://hook.example/", resolve=resolve)


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with server(OK) as (inner, asked_inner):
        to = b"HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % inner
        with server(saying(to)) as (port, asked):
            assert call(f"http://127.0.0.1:{port}/", allowed=HERE).status == 307
    assert (len(asked), asked_inner) == (1, [])


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(OK) as (port, _), server(OK) as (proxy, asked):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
        assert call(f"http://127.0.0.1:{port}/", allowed=HERE).status == 200
    assert asked == []


def drip(connection: socket.socket) -> None:
    """Say a byte at a time, each soon enough for a limit of its own."""
    stop = threading.Event()
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000:
        connection.sendall(bytes([byte]))
        stop.wait(0.01)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (drip, "timeout"),
        (lambda connection: connection.recv(1), "timeout"),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), "HTTPException"),
        (saying(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (ANSWER_LIMIT_BYTES + 10)), "HTTPException"),
        (saying(b"no http"), "BadStatusLine"),
        (saying(b""), "RemoteDisconnected"),
    ],
    ids=["drips", "says nothing", "cut off", "too long", "no http", "closed"],
)
def test_no_whole_answer_in_time_is_a_server_that_is_away(answer: Callable[[socket.socket], object], kind: str) -> None:
    with server(answer) as (port, _), pytest.raises(ServerAwayError) as caught:
        call(f"http://127.0.0.1:{port}/hook/s3cret?key=s3cret", allowed=HERE, limit_s=0.3)
    assert caught.value.kind == kind
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://1.1.1.1/", "file:///etc/passwd", "gopher://1.1.1.1", "//1.1.1.1/", "1.1.1.1", ""),
        *("http://user:s3cret@1.1.1.1/", "http://1.1.1.1:99999/", "http://1.1.1.1/\r\nHost: x", "http://[::1"),
        *("http://1.1.1.1/s3cret\u00e4", "http:///s3cret"),
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(CallRefusedError) as caught:
        call(url)
    assert "s3cret" not in str(caught.value)
