"""Shipping against servers that behave and servers that do not: nothing leaves the spool before it was taken."""

import json
import logging
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from taskscope.sdk import rejected, transport
from taskscope.sdk.address import parse_address
from taskscope.sdk.locks import FileLock
from taskscope.sdk.segments import DRAIN_LOCK
from taskscope.sdk.ship import SHIP_LOCK, Shipper
from taskscope.sdk.spool import SpoolWriter
from tests.sdk.processes import Wait
from tests.sdk.servers import Behaviour, Reply, Request, Server, closed_port, receipt, running, take

RECORDS = [b'{"n":%d}' % n for n in range(20)]


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def writer(home: Path) -> Iterator[SpoolWriter]:
    writer = SpoolWriter(home)
    for record in RECORDS:
        writer.append(record)
    yield writer
    writer.close()


@pytest.fixture
def shipper(home: Path, server: Server, writer: SpoolWriter) -> Iterator[Shipper]:
    with shipping(Shipper(home, server.address)) as shipper:
        yield shipper


class shipping:  # noqa: N801 - it reads as a word of the test
    """A shipper that is let go of at the end."""

    def __init__(self, shipper: Shipper) -> None:
        self.shipper = shipper

    def __enter__(self) -> Shipper:
        return self.shipper

    def __exit__(self, *_: object) -> None:
        self.shipper._connection.close()
        self.shipper._lock.free()


def again(shipper: Shipper) -> None:
    """Let the shipper try once more, as if it had waited."""
    shipper._not_before_s = 0.0
    shipper.look()


def put_off_s(shipper: Shipper) -> float:
    return shipper._not_before_s - time.monotonic()


def test_what_is_recorded_arrives_once_and_in_order(shipper: Shipper, server: Server, writer: SpoolWriter) -> None:
    shipper.look()
    shipper.look()
    assert server.taken == RECORDS
    writer.append(b'{"n":"new"}')
    shipper.look()
    assert server.taken == [*RECORDS, b'{"n":"new"}']
    assert server.sizes == [20, 1]


def test_a_batch_is_compressed_ndjson_for_the_path_of_events_with_the_token(
    home: Path, server: Server, writer: SpoolWriter
) -> None:
    with shipping(Shipper(home, parse_address(server.url + "/prefix/", "secret"))) as shipper:
        shipper.look()
    (request,) = server.requests
    assert request.path == "/prefix/api/v1/events"
    assert request.headers["Content-Type"] == "application/x-ndjson"
    assert request.headers["Content-Encoding"] == "gzip"
    assert request.headers["Authorization"] == "Bearer secret"


def test_batches_are_bounded_and_share_a_connection(home: Path, server: Server, writer: SpoolWriter) -> None:
    with shipping(Shipper(home, server.address, chunk_records=7)) as shipper:
        shipper.look()
    assert server.taken == RECORDS
    assert server.sizes == [7, 7, 6]
    assert {request.connection for request in server.requests} == {1}


def test_a_kept_connection_that_the_server_closed_is_no_failure(
    shipper: Shipper, server: Server, writer: SpoolWriter
) -> None:
    body = receipt(20).body
    server.behave = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    shipper.look()
    server.behave = take
    writer.append(b'{"n":"new"}')
    shipper.look()
    assert server.taken == [b'{"n":"new"}']
    assert not shipper.failing
    assert server.connections == 2


def endless(request: Request) -> bytes:
    return b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (transport.ANSWER_LIMIT_BYTES + 1)


BAD: dict[str, Behaviour] = {
    "garbage instead of JSON": lambda _: Reply(200, b"\x00\xff garbage"),
    "a page": lambda _: Reply(200, b"<!doctype html><title>Welcome</title>", {"Content-Type": "text/html"}),
    "nothing": lambda _: Reply(200, b""),
    "another document": lambda _: Reply(200, b"{}"),
    "a receipt for another batch": lambda request: receipt(len(request.lines) + 1),
    "a receipt for part of the batch": lambda request: receipt(len(request.lines) - 1),
    "a refusal of an event that was not sent": lambda request: Reply(
        200, b'{"accepted": 19, "duplicates": 0, "rejected": [{"index": 99, "error": "no"}]}'
    ),
    "a receipt that was cut off": lambda request: (
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + receipt(len(request.lines)).body
    ),
    "a body that never ends": endless,
    "no status line": lambda _: b"hello\r\n\r\n",
    "a closed connection": lambda _: None,
    "created": lambda request: receipt(len(request.lines))._replace(status=201),
    "no content": lambda _: Reply(204),
    "not found": lambda _: Reply(404, b"{}"),
    "saturated": lambda _: Reply(503, b"{}", {"Retry-After": "1"}),
    "too many requests": lambda _: Reply(429, b"{}"),
    "an error": lambda _: Reply(500, b"oh"),
    "an unknown status": lambda _: Reply(599, b""),
    "denied": lambda _: Reply(401, b'{"detail": "no token"}'),
    "forbidden": lambda _: Reply(403, b""),
    "everything refused": lambda _: Reply(400, b"Bad Request"),
    "everything too large": lambda _: Reply(413, b""),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_what_a_bad_server_was_sent_stays_in_the_spool_and_arrives_later(
    shipper: Shipper, server: Server, home: Path, writer: SpoolWriter, bad: Behaviour
) -> None:
    server.behave = bad
    for _ in range(2):
        again(shipper)
        assert shipper.failing
    asked = len(server.requests)
    server.behave = take
    server.taken.clear()
    shipper.look()
    assert len(server.requests) == asked  # it is left alone for a while
    again(shipper)
    assert server.taken == RECORDS
    assert not shipper.failing
    assert rejected.files(home) == []


def test_a_redirect_is_not_followed(shipper: Shipper, server: Server) -> None:
    with running() as elsewhere:
        server.behave = lambda _: Reply(307, b"", {"Location": elsewhere.url + "/api/v1/events"})
        shipper.look()
        assert elsewhere.requests == []
    assert shipper.failing


def test_no_proxy_is_asked(shipper: Shipper, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    shipper.look()
    assert server.taken == RECORDS


def test_a_server_that_hangs_is_given_up(shipper: Shipper, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "READ_S", 0.05)
    server.behave = server.hang
    shipper.look()
    assert shipper.failing
    assert server.sizes == [20]
    server.over.set()
    server.behave = take
    again(shipper)
    assert server.taken == RECORDS


def test_a_server_that_drips_an_answer_is_given_up(
    shipper: Shipper, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ANSWER_S", 0.0)
    server.behave = lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + receipt(20).body
    shipper.look()
    assert shipper.failing


def test_a_server_is_left_alone_for_as_long_as_it_asks(shipper: Shipper, server: Server) -> None:
    server.behave = lambda _: Reply(503, b"", {"Retry-After": "7"})
    shipper.look()
    assert 6 < put_off_s(shipper) <= 8
    later = formatdate(time.time() + 3600 + 40, usegmt=True)
    server.behave = lambda _: Reply(429, b"", {"Retry-After": later})
    again(shipper)
    assert 300 - 1 < put_off_s(shipper) <= 300 + 2  # an hour is more than it gets


def test_the_pause_grows_with_every_failure_and_is_bounded(home: Path, writer: SpoolWriter) -> None:
    with shipping(Shipper(home, parse_address(f"http://127.0.0.1:{closed_port()}"))) as shipper:
        longest: list[float] = []
        for _ in range(12):
            shipper._chance.random = lambda: 1.0  # type: ignore[method-assign]
            again(shipper)
            longest.append(put_off_s(shipper))
    assert longest[:3] == pytest.approx([1, 2, 4], abs=0.1)
    assert longest[-1] == pytest.approx(60, abs=0.1)


def test_a_bad_record_of_a_refused_batch_is_put_aside_and_the_others_go_on(
    shipper: Shipper, server: Server, home: Path
) -> None:
    poison = {RECORDS[3], RECORDS[11]}
    server.behave = lambda request: (
        Reply(400, b'{"detail": "poison"}') if poison & set(request.lines) else take(request)
    )
    shipper.look()
    assert server.taken == [record for record in RECORDS if record not in poison]
    kept = [one for path in rejected.files(home) for one in rejected.read(path) if one is not None]
    assert {one.payload() for one in kept} == poison
    assert {one.error for one in kept} == {"400 poison"}
    asked = len(server.requests)
    shipper.look()
    assert len(server.requests) == asked


def test_a_batch_that_is_too_large_is_halved(shipper: Shipper, server: Server, home: Path) -> None:
    server.behave = lambda request: Reply(413, b"") if len(request.lines) > 6 else take(request)
    shipper.look()
    assert server.taken == RECORDS
    assert rejected.files(home) == []


def test_what_a_receipt_names_is_put_aside_with_the_reason(shipper: Shipper, server: Server, home: Path) -> None:
    server.behave = lambda request: receipt(len(request.lines), {0: "no type", 19: "no time"})
    shipper.look()
    assert server.taken == RECORDS[1:-1]
    (path,) = rejected.files(home)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["error"], line["record"]) for line in lines] == [
        ("no type", RECORDS[0].decode()),
        ("no time", RECORDS[-1].decode()),
    ]


def test_an_attempt_that_fails_half_way_keeps_no_refused_record_twice(
    home: Path, server: Server, writer: SpoolWriter
) -> None:
    def refuse_some_then_fail(request: Request) -> Reply:
        if RECORDS[0] in request.lines:
            return Reply(400, b"")
        return Reply(503, b"") if RECORDS[-1] in request.lines else take(request)

    server.behave = refuse_some_then_fail
    with shipping(Shipper(home, server.address)) as shipper:
        for _ in range(3):
            again(shipper)
        assert rejected.files(home) == []
        server.behave = lambda request: Reply(400, b"") if RECORDS[0] in request.lines else take(request)
        again(shipper)
    kept = [one for path in rejected.files(home) for one in rejected.read(path) if one is not None]
    assert [one.payload() for one in kept] == RECORDS[:1]
    assert set(server.taken) == set(RECORDS[1:])


def test_a_record_that_is_no_line_does_not_shift_the_others(home: Path, server: Server, writer: SpoolWriter) -> None:
    for odd in (b"two\nlines", b"  "):
        writer.append(odd)
    writer.append(b'{"n":"last"}')
    server.behave = lambda request: receipt(len(request.lines), {20: "the last one"})
    with shipping(Shipper(home, server.address)) as shipper:
        shipper.look()
    kept = {one.payload() for path in rejected.files(home) for one in rejected.read(path) if one is not None}
    assert kept == {b"two\nlines", b"  ", b'{"n":"last"}'}
    assert server.taken == RECORDS


def test_a_refused_token_is_said_once_and_never_shown(
    home: Path, server: Server, writer: SpoolWriter, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = lambda _: Reply(401, b'{"detail": "no such token"}')
    with shipping(Shipper(home, parse_address(server.url, "secret-token"))) as shipper:
        with caplog.at_level(logging.DEBUG):
            for _ in range(3):
                again(shipper)
        assert put_off_s(shipper) > 50
        # A process with a better token may ship as long.
        other = FileLock(home / SHIP_LOCK)
        assert other.take()
        other.free()
        assert "secret" not in repr(shipper._address)
    (message,) = [record.getMessage() for record in caplog.records]
    assert "TASKSCOPE_TOKEN" in message
    assert "secret-token" not in caplog.text


def test_the_log_says_once_what_is_wrong_and_once_that_it_is_over(
    shipper: Shipper, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = lambda _: Reply(503, b"")
    for _ in range(4):
        again(shipper)
    server.behave = lambda _: None
    for _ in range(4):
        again(shipper)
    server.behave = take
    for _ in range(3):
        again(shipper)
    assert [record.getMessage().split(",")[0] for record in caplog.records] == [
        f"no facts reach {server.url}",
        f"no facts reach {server.url}",
        f"{server.url} takes facts again",
    ]


def test_of_two_shippers_of_a_home_one_works_and_the_other_takes_over(
    home: Path, server: Server, shipper: Shipper, writer: SpoolWriter
) -> None:
    shipper.look()
    with shipping(Shipper(home, server.address)) as other:
        writer.append(b'{"n":"new"}')
        other.look()
        assert len(server.taken) == 20
        shipper._lock.free()
        other.look()
        assert len(server.taken) == 21


def test_a_spool_that_another_process_drains_is_left_to_it(
    home: Path, server: Server, shipper: Shipper, eventually: Wait
) -> None:
    lock = FileLock(home / "spool" / DRAIN_LOCK)
    assert lock.take()
    shipper.look()
    assert server.requests == []
    assert not shipper.failing
    # At its end it waits for its turn.
    ending = threading.Event()
    ending.set()
    last = threading.Thread(target=shipper.run, args=(ending,))
    last.start()
    lock.free()
    last.join()
    assert server.taken == RECORDS


def test_a_home_that_is_not_there_is_waited_for(home: Path, server: Server, tmp_path: Path) -> None:
    with shipping(Shipper(tmp_path / "later", server.address)) as shipper:
        shipper.look()
        writer = SpoolWriter(tmp_path / "later")
        writer.append(b"{}")
        shipper.look()
        writer.close()
    assert server.taken == [b"{}"]


def test_the_spool_is_synced_also_while_the_server_is_away(
    home: Path, writer: SpoolWriter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("taskscope.sdk.ship.sync", synced.append)
    with shipping(Shipper(home, parse_address(f"http://127.0.0.1:{closed_port()}"))) as shipper:
        for _ in range(3):
            shipper.look()
    assert synced == [home] * 3
    assert len(caplog.records) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a key and a certificate of 127.0.0.1, signed by nobody but itself."""
    if shutil.which("openssl") is None and "CI" not in os.environ:
        pytest.skip("there is no openssl to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    done = subprocess.run([*make.split(), "-keyout", "-"], capture_output=True, check=True)
    path.write_bytes(done.stdout)
    return path


def test_a_server_is_shipped_to_by_tls_only_if_its_certificate_is_trusted(
    home: Path,
    writer: SpoolWriter,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running(certificate) as server:
        address = parse_address(f"https://127.0.0.1:{server.port}", "secret-token")
        with shipping(Shipper(home, address)) as shipper:
            shipper.look()
            assert server.requests == []
            assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            again(shipper)
            writer.append(b'{"n":"new"}')
            shipper.look()
        assert server.taken == [*RECORDS, b'{"n":"new"}']
        assert {request.connection for request in server.requests} == {2}
