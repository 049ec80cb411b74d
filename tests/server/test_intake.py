"""Batches that wait are bounded, written together, and answered each for itself."""

import asyncio
import gc
import gzip
import http.client
import json
import logging
import socket
import sqlite3
import threading
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from taskscope import ingest, stats
from taskscope.core.clock import DAY
from taskscope.errors import StoreBusyError
from taskscope.ports import Filter
from taskscope.server.batch import NDJSON, Batch, Rejected, decode
from taskscope.server.intake import Intake, Receipt, _Waiting, shares
from taskscope.server.problems import ProblemError
from taskscope.server.room import Room
from taskscope.store.sqlite import SqliteStore, connection
from taskscope.testing import START, fact
from tests.cli.facts import event, ndjson
from tests.server.conftest import DEADLINE_S, Server, wait_for

NOW = START + DAY
HEADERS = {"Content-Type": NDJSON}


def clock() -> int:
    return NOW


def batch(*facts: ingest.Fact) -> Batch:
    return Batch(list(facts), list(range(len(facts))), [], 0)


def given_to(intake: Intake, *bodies: bytes) -> list[Receipt | BaseException]:
    """Hand bodies to an intake at once; give what became of each."""

    async def main() -> list[Receipt | BaseException]:
        with intake.room.place(0) as place:
            async with intake.running(), asyncio.timeout(DEADLINE_S):
                takes: list[Coroutine[Any, Any, Receipt]] = [intake.take(body, NDJSON, "", place) for body in bodies]
                return await asyncio.gather(*takes, return_exceptions=True)

    return asyncio.run(main())


# Few ids with two contents each, some too far ahead: duplicates and refusals meet in every batch.
FACTS = st.builds(
    lambda name, content, ahead: fact(
        "task.output", 2 * 86_400 if ahead else 0, id=name, task="t", data={"n": content}
    ),
    st.sampled_from("abcdef"),
    st.integers(0, 1),
    st.integers(0, 5).map(lambda n: n == 0),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(FACTS, max_size=6), min_size=1, max_size=5))
def test_batches_that_are_written_together_are_told_what_each_would_be_told_alone(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[ingest.Fact]]
) -> None:
    folder = tmp_path_factory.mktemp("group")
    together, alone = SqliteStore(folder / "together.db"), SqliteStore(folder / "alone.db")
    batches = [batch(*part) for part in parts]
    found = list(shares(ingest.accept(together, [f for part in parts for f in part], NOW), batches))
    for one, part in zip(found, parts, strict=True):
        expected = ingest.accept(alone, part, NOW)
        assert (one.accepted, one.duplicates) == expected[:2]
        assert [(refused.index, refused.error) for refused in one.rejected] == expected.rejected
    together.close()
    alone.close()


def test_places_of_refused_events_count_those_that_were_no_facts() -> None:
    read = decode(
        b'no\n{"type":"task.output","task":"t","time":0}\nno\n{"type":"task.output","task":"u","time":0}\n', NDJSON, ""
    )
    [one] = shares(ingest.Receipt(0, 1, [(1, "why")], [0]), [read])
    assert [refused.index for refused in one.rejected] == [0, 2, 3]
    assert (one.accepted, one.duplicates) == (0, 1)


def test_what_is_no_event_is_counted_with_the_refused(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    [one] = given_to(Intake(store, clock), b"no\nnor this\n")
    assert isinstance(one, Receipt)
    assert [refused.index for refused in one.rejected] == [0, 1]
    with store.questions() as q:
        assert q.counters() == {"malformed": 2}


def test_waiting_batches_share_a_transaction_and_one_that_fails_harms_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(tmp_path / "store.db")
    intake = Intake(store, clock)
    good, content = fact("task.output", task="good")
    poisoned = replace(good, id="poisoned", task="bad", duration=1 << 70)  # more than a column holds
    group = [
        _Waiting(Batch([(one, content)], [0], [Rejected(1, "no event")], 0), Future())
        for one in (good, poisoned, replace(good, id="other", task="other"))
    ]
    for one in group:
        assert one.answer.set_running_or_notify_cancel()
    with caplog.at_level(logging.WARNING, "taskscope"):
        intake._settle(group)
    assert [one.answer.exception() is None for one in group] == [True, False, True]
    assert [one.answer.result().accepted for one in (group[0], group[2])] == [1, 1]
    assert "each is tried alone" in caplog.text
    assert stats.stats(store, Filter())["running"] == 2
    with store.questions() as q:
        assert q.counters() == {"malformed": 2}  # of the two that were kept


def test_a_store_that_others_hold_is_busy_for_all_that_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.02)
    store = SqliteStore(tmp_path / "store.db")
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    body = b'{"type":"task.output","task":"t","time":0}\n'
    answers = given_to(Intake(store, clock), body, body)
    assert [type(answer) for answer in answers] == [StoreBusyError] * 2
    holder.execute("ROLLBACK")
    holder.close()
    assert {type(answer) for answer in given_to(Intake(store, clock), body, body)} == {Receipt}


@pytest.mark.parametrize("fault", ["refused", "busy", "broken"])
def test_what_fails_leaves_nothing_that_only_a_full_collection_would_free(tmp_path: Path, fault: str) -> None:
    class Broken(Intake):
        def _accept(self, batches: Sequence[Batch]) -> list[Receipt]:
            raise StoreBusyError("busy") if fault == "busy" else ValueError("broken")

    intake = Broken(SqliteStore(tmp_path / "store.db"), clock)
    body = b"[" if fault == "refused" else b'{"type":"task.output","task":"t","time":0}\n'

    async def main() -> int:
        async with intake.running(), asyncio.timeout(DEADLINE_S):
            for _ in range(2):  # the first makes what stays for ever
                gc.collect()
                for _ in range(5):
                    with intake.room.place(0) as place:
                        takes = (intake.take(body, NDJSON, "", place) for _ in range(4))
                        found = await asyncio.gather(*takes, return_exceptions=True)
                    assert all(isinstance(one, Exception) for one in found)
                    del found
                    await asyncio.sleep(0)
            return gc.collect()

    was_on = gc.isenabled()
    gc.disable()
    try:
        assert asyncio.run(main()) < 5
    finally:
        if was_on:
            gc.enable()


def test_a_request_that_is_given_up_leaves_its_neighbours_alone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    begun, go_on = threading.Event(), threading.Event()

    class Held(Intake):
        def _accept(self, batches: Sequence[Batch]) -> list[Receipt]:
            begun.set()
            go_on.wait(DEADLINE_S)
            return super()._accept(batches)

    intake = Held(store, clock)

    async def main() -> list[Receipt | BaseException]:
        with intake.room.place(0) as place:
            async with intake.running(), asyncio.timeout(DEADLINE_S):
                takes = []
                for number in range(3):  # the first is being written, the others wait
                    body = b'{"type":"task.output","task":"%d","time":0}\n' % number
                    takes.append(asyncio.ensure_future(intake.take(body, NDJSON, "", place)))
                    if number == 0:
                        await asyncio.to_thread(begun.wait, DEADLINE_S)
                    while len(intake._queue) < number:  # noqa: ASYNC110 - another thread fills it
                        await asyncio.sleep(0)
                takes[1].cancel()
                go_on.set()
                return await asyncio.gather(*takes, return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(main())] == [Receipt, asyncio.CancelledError, Receipt]
    assert stats.stats(store, Filter())["tasks"]["total"] == 2


def test_all_that_was_taken_is_written_before_the_end(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    bodies = [b'{"type":"task.output","task":"%d","time":0}\n' % number for number in range(300)]
    assert sum(one.accepted for one in given_to(Intake(store, clock), *bodies) if isinstance(one, Receipt)) == 300


def test_room_is_given_back_and_refused_when_it_is_full() -> None:
    room = Room(requests=2, size_bytes=100)
    with room.place(0) as first, room.place(60) as second:
        first.grow(50)
        with pytest.raises(ProblemError, match="room"), room.place(0):
            pass
        second.grow(51)
        with pytest.raises(ProblemError, match="room"):
            second.check()
    assert (room.requests, room.size_bytes) == (0, 0)
    with pytest.raises(ProblemError) as refused, room.place(101):
        pass
    assert refused.value.status == 503
    assert refused.value.headers == {"Retry-After": "1"}


@pytest.fixture
def alone(tmp_path: Path) -> Any:
    server = Server(tmp_path / "home")
    yield server
    if server.process.returncode is None:
        server.stop()


def test_a_server_that_is_full_says_so_at_once_and_keeps_what_it_took(alone: Server) -> None:
    # Small on the way and large when unpacked: nobody can tell from outside.
    lines = [ndjson(event("task.submitted", f"{part}-{n}", n) for n in range(100)) for part in range(24)]
    bodies = [gzip.compress(one + b" " * (15 << 20), 1) for one in lines]
    url = urlsplit(str(alone.client.base_url))
    answers: list[tuple[int, dict[str, Any], str | None, float]] = []

    def send(body: bytes) -> None:
        sender = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
        begun = time.monotonic()
        sender.request("POST", "/api/v1/events", body, {**HEADERS, "Content-Encoding": "gzip"})
        answer = sender.getresponse()
        answers.append(
            (answer.status, json.loads(answer.read()), answer.headers["Retry-After"], time.monotonic() - begun)
        )
        sender.close()

    holder = sqlite3.connect(alone.home / "taskscope.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")  # nothing can be written for now
    senders = [threading.Thread(target=send, args=(body,)) for body in bodies]
    for sender in senders:
        sender.start()
    wait_for(lambda: answers)
    assert {answer[0] for answer in answers} == {503}
    assert alone.client.get("/api/v1/health").status_code == 200
    assert alone.client.get("/api/v1/stats").json()["submitted"] == 0
    holder.execute("ROLLBACK")
    holder.close()
    for sender in senders:
        sender.join()
    refused = [answer for answer in answers if answer[0] == 503]
    assert all(answer[2] == "1" and "room" in answer[1]["detail"] for answer in refused)
    kept = [answer[1]["accepted"] for answer in answers if answer[0] == 200]
    assert len(kept) + len(refused) == 24
    assert kept == [100] * len(kept)
    assert alone.client.get("/api/v1/stats").json()["submitted"] == sum(kept) > 0


def raw(server: Server, *parts: bytes) -> socket.socket:
    url = urlsplit(str(server.client.base_url))
    sender = socket.create_connection((url.hostname or "", url.port or 0), timeout=DEADLINE_S)
    for part in parts:
        sender.sendall(part)
    return sender


def head(length: int) -> bytes:
    return b"POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (
        NDJSON.encode(),
        length,
    )


def test_senders_that_go_away_break_nothing(server: Server) -> None:
    body = ndjson([event("task.submitted", "gone", 0, service="gone")])
    raw(server, head(len(body)), body[:-9]).close()
    raw(server, head(len(body)), body).close()
    server.client.post("/api/v1/events", content=body, headers=HEADERS)
    assert server.client.get("/api/v1/stats", params={"service": "gone"}).json()["submitted"] == 1
    assert '"ERROR"' not in (server.home / "logs" / "monitoring.log").read_text()


def test_a_body_too_large_is_refused_before_it_is_sent(server: Server) -> None:
    sender = raw(server, head(17 << 20))
    assert b" 413 " in sender.recv(100)
    sender.close()
