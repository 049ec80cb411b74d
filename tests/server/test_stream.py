"""The live stream of a real server: a picture first, then what changes, and on from a cursor."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError

from taskscope.server.listening import listen
from tests.server.conftest import DEADLINE_S, TASKSCOPE, Server
from tests.server.follow import Follower, runs_of

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server that sweeps and tells the performance at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASKSCOPE_SWEEP_INTERVAL_S", "0.1")
        patch.setenv("TASKSCOPE_PERFORMANCE_MONITOR_INTERVAL", "0.3")
        server = Server(tmp_path_factory.mktemp("stream") / "home")
    yield server
    server.stop()


def post(server: Server, *events: dict[str, Any]) -> None:
    body = b"\n".join(json.dumps(one).encode() for one in events)
    server.client.post("/api/v1/events", content=body, headers=NDJSON).raise_for_status()


def now_ms() -> float:
    return time.time() * 1000


def event(kind: str, task: str, after_ms: float = 0, **more: Any) -> dict[str, Any]:
    return {"type": f"task.{kind}", "time": now_ms() + after_ms, "task": task, "run": "r", **more}


def test_a_picture_comes_first_and_then_each_change(server: Server) -> None:
    with Follower(server) as follower:
        assert follower.hello["topics"] == ["overview", "runs", "queues", "workers", "performance"]
        picture = follower.follow("a", "runs", filter={"job": ["first"]})
        assert (picture["type"], picture["reason"], picture["data"]["items"]) == ("snapshot", "start", [])
        post(server, event("started", "t1", job="first"), event("started", "t2", job="other"))
        assert runs_of(follower.next()) == {"t1": ["PROCESSING"]}
        post(server, event("succeeded", "t1", 5, job="first", duration_ms=5))
        change = follower.next()
        assert runs_of(change) == {"t1": ["COMPLETED"]}
        listed = server.client.get("/api/v1/runs", params={"job": "first"}).json()["items"]
        assert change["data"]["tasks"][0]["runs"] == listed


def test_a_run_that_no_longer_passes_the_filter_is_taken_back_from_those_who_know_it(server: Server) -> None:
    with Follower(server) as follower:
        follower.follow("open", "runs", filter={"state": ["PROCESSING"], "job": ["leaving"]})
        post(server, event("started", "leaving1", job="leaving"))
        assert runs_of(follower.next()) == {"leaving1": ["PROCESSING"]}
        post(server, event("failed", "leaving1", 5, job="leaving"), event("failed", "leaving2", job="leaving"))
        assert runs_of(follower.next()) == {"leaving1": []}


def test_who_comes_back_is_told_what_he_missed(server: Server) -> None:
    with Follower(server) as follower:
        cursor = follower.follow("a", "runs", filter={"job": ["back"]})["cursor"]
    post(server, event("started", "back1", job="back"))
    post(server, event("started", "back2", job="back"), event("failed", "back1", 5, job="back"))
    with Follower(server) as follower:
        change = follower.follow("b", "runs", filter={"job": ["back"]}, cursor=cursor)
        assert change["type"] == "change"
        assert runs_of(change) == {"back1": ["FAILED"], "back2": ["PROCESSING"]}
        nothing = follower.follow("c", "runs", filter={"job": ["back"]}, cursor=change["cursor"])
        assert (nothing["type"], nothing["data"]["tasks"]) == ("change", [])
        state = follower.follow("d", "queues", cursor=change["cursor"])
        assert state["type"] == "change"


@pytest.mark.parametrize("cursor", ["", "nonsense", "1-abc", "999999999-1"])
def test_a_cursor_of_another_history_is_answered_with_a_picture_and_the_reason(server: Server, cursor: str) -> None:
    post(server, event("started", f"cursor{cursor}"))
    with Follower(server) as follower:
        for name, topic in (("a", "runs"), ("b", "overview")):
            picture = follower.follow(name, topic, cursor=cursor)
            assert (picture["type"], picture["reason"]) == ("snapshot", "unknown")


def test_more_than_can_be_told_one_by_one_is_told_as_a_new_picture(server: Server) -> None:
    with Follower(server) as follower:
        follower.follow("a", "runs", filter={"job": ["many"]})
        post(server, *[event("started", f"many{n}", job="many") for n in range(501)])
        picture = follower.next()
        assert (picture["type"], picture["reason"], len(picture["data"]["items"])) == ("snapshot", "many", 50)


def test_inferred_and_late_changes_show_too(server: Server) -> None:
    with Follower(server) as follower:
        follower.follow("a", "runs", filter={"job": ["slow"]})
        post(server, event("started", "slow1", -60_000, job="slow", data={"timeout_ms": 1000}))
        seen = follower.until(lambda said: said["data"]["tasks"][0]["runs"][0]["outcome"])
        [run] = seen["data"]["tasks"][0]["runs"]
        assert (run["outcome"], run["inferred"]) == ("timed_out", True)
        post(server, event("succeeded", "slow1", -59_500, job="slow", duration_ms=500))
        [run] = follower.next()["data"]["tasks"][0]["runs"]
        assert (run["outcome"], run["inferred"], run["duration_ms"]) == ("succeeded", False, 500)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no TCP_USER_TIMEOUT")
def test_a_connection_that_takes_nothing_for_long_is_given_up_by_the_system() -> None:
    """Else what waits for one who never reads would stay in memory for as long as he likes."""
    with listen("127.0.0.1", 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            given_up_ms = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert given_up_ms == 60_000


def test_queues_workers_and_overview_are_told_when_they_differ(server: Server) -> None:
    with Follower(server) as follower:
        where = {"service": ["states"]}
        assert follower.follow("q", "queues", filter=where)["data"] == {"items": []}
        follower.follow("w", "workers", filter=where)
        before = follower.follow("o", "overview", filter=where)["data"]
        heartbeat = {"type": "worker.heartbeat", "time": now_ms(), "worker": "w1", "boot": "b", "service": "states"}
        submitted = event("submitted", "s1", service="states", queue="line", job="j")
        del submitted["run"]
        post(server, submitted, heartbeat)
        said = {one["id"]: one["data"] for one in (follower.next(), follower.next(), follower.next())}
        [queue] = said["q"]["items"]
        assert (queue["queue"], queue["depth"], queue["running"]) == ("line", 1, 0)
        assert said["w"]["items"] == [{"service": "states", "worker": "w1", "running": 0}]
        assert (before["submitted"], said["o"]["submitted"]) == (0, 1)
        answer = server.client.get("/api/v1/stats", params={"from": said["o"]["from"], "service": "states"}).json()
        assert {key: answer[key] for key in said["o"] if key != "to"} == {
            key: value for key, value in said["o"].items() if key != "to"
        }


def test_the_performance_is_told_at_its_pace_whether_it_changed_or_not(server: Server) -> None:
    with Follower(server) as follower:
        told = [follower.follow("p", "performance"), follower.next(), follower.next()]
        assert [one["type"] for one in told] == ["snapshot", "change", "change"]
        assert len({one["data"]["at"] for one in told}) == 3
        assert told[0]["data"].keys() == {"at", "depth", "running", "queues", "workers"}


def test_after_unsubscribing_nothing_comes_and_a_name_can_be_used_again(server: Server) -> None:
    with Follower(server) as follower:
        follower.follow("a", "runs", filter={"job": ["gone"]})
        follower.say(op="unsubscribe", id="a")
        follower.follow("b", "runs", filter={"job": ["gone", "stays"]})
        post(server, event("started", "gone1", job="gone"))
        assert follower.next()["id"] == "b"
        assert follower.follow("b", "queues")["topic"] == "queues"
        post(server, event("started", "gone2", job="gone"))
        follower.say(op="ping")
        follower.until(lambda said: said["type"] == "pong")


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ("no json", "this is no message"),
        ("[" * 2000, "this is no message"),
        ('{"op": "dance", "id": "x"}', "dance"),
        ('{"op": "subscribe", "id": "x"}', "topic"),
        ('{"op": "subscribe", "id": "x", "topic": "weather"}', "there is no topic"),
        ('{"op": "subscribe", "id": "x", "topic": "queues", "filter": {"job": ["j"]}}', "filtered by"),
        ('{"op": "subscribe", "id": "x", "topic": "runs", "filter": {"state": ["LAZY"]}}', "use one of PENDING"),
        ('{"op": "subscribe", "id": "x", "topic": "runs", "filter": {"job": []}}', "name 1 to 100"),
        ('{"op": "subscribe", "id": "x", "topic": "runs", "filter": {"job": ["a\\u0000"]}}', "no NUL"),
        ('{"op": "subscribe", "id": "x", "topic": "runs", "more": 1}', "more"),
        (b"\x00\x01", "send text"),
    ],
)
def test_a_message_that_makes_no_sense_is_answered_and_the_connection_stays(
    server: Server, message: str | bytes, detail: str
) -> None:
    with Follower(server) as follower:
        follower.socket.send(message)
        said = follower.next()
        assert said["type"] == "error"
        assert detail in said["detail"]
        assert said["id"] == ("x" if '"id": "x"' in str(message) else None)
        follower.follow("fine", "queues")


def closed(follower: Follower) -> tuple[int, str]:
    """Read to the end, and give the code and the reason."""
    with pytest.raises(ConnectionClosedError) as caught:
        follower.until(lambda _: False)
    assert caught.value.rcvd
    return caught.value.rcvd.code, caught.value.rcvd.reason


def test_who_talks_too_much_is_dropped(server: Server) -> None:
    with Follower(server) as follower:
        for _ in range(101):
            follower.say(op="ping")
        code, reason = closed(follower)
        assert (code, "too many messages" in reason) == (1008, True)


def test_a_message_that_is_too_long_ends_the_connection(server: Server) -> None:
    with Follower(server) as follower:
        follower.say(op="subscribe", id="a" * (64 << 10), topic="runs")
        assert closed(follower)[0] == 1009


def test_a_connection_follows_a_bounded_number_of_topics(server: Server) -> None:
    with Follower(server) as follower:
        for n in range(16):
            follower.follow(f"n{n}", "queues")
        assert "at most 16" in follower.follow("n16", "queues")["detail"]
        follower.say(op="unsubscribe", id="n3")
        assert follower.follow("n16", "queues")["type"] == "snapshot"


def test_one_who_does_not_read_is_dropped_with_a_reason_and_slows_nobody(server: Server) -> None:
    """A long name in every run makes the messages long, and small buffers fill soon."""
    long = "x" * 200
    with Follower(server, max_queue=1) as slow, Follower(server) as quick:
        for follower in (slow, quick):
            follower.follow("a", "runs", filter={"job": [long]})
        for batch in range(30):
            events = [
                event("started", f"{long[:150]}{batch}-{n}", job=long, queue=long, worker=long) for n in range(490)
            ]
            post(server, *events)
            told = 0
            while told < 490:
                told += len(quick.until(lambda said: said["type"] == "change")["data"]["tasks"])
        code, reason = closed(slow)
        assert (code, reason.startswith("too slow")) == (4408, True)
        quick.say(op="ping")
        assert quick.next() == {"type": "pong"}


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}])
def test_a_page_of_somebody_else_can_not_listen(server: Server, headers: dict[str, str]) -> None:
    url = httpx.URL(server.ready["url"])
    own = {"Host": f"{url.host}:{url.port}"} | headers
    key = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    answer = httpx.get(
        server.ready["url"] + "/api/v1/stream", headers=key | own | {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    )
    assert answer.status_code == 403


def test_a_page_of_this_server_can_listen(server: Server) -> None:
    with Follower(server, origin=server.ready["url"]) as follower:
        assert follower.follow("a", "queues")["type"] == "snapshot"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """Give a server of one test alone."""
    server = Server(tmp_path / "home")
    yield server
    if server.process.returncode is None:
        server.stop()


def test_a_server_that_ends_says_so_to_those_who_listen(own_server: Server) -> None:
    with Follower(own_server) as follower:
        follower.follow("a", "runs")
        code, err = own_server.stop()
        assert (code, "Traceback" in err) == (0, False)
        assert closed(follower)[0] == 1012


def taskscope(server: Server, *words: str) -> None:
    subprocess.run([TASKSCOPE, *words, "--home", server.home], check=True, capture_output=True, timeout=DEADLINE_S)


def test_what_a_restore_puts_back_is_told_as_a_new_picture(own_server: Server, tmp_path: Path) -> None:
    with Follower(own_server) as follower:
        post(own_server, event("started", "kept"))
        taskscope(own_server, "backup", str(tmp_path / "copy.db"))
        post(own_server, event("started", "later"))
        picture = follower.follow("a", "runs")
        assert len(picture["data"]["items"]) == 2
        taskscope(own_server, "restore", str(tmp_path / "copy.db"))
        picture = follower.until(lambda said: said["type"] == "snapshot")
        assert picture["reason"] == "unknown"
        assert [run["task"] for run in picture["data"]["items"]] == ["kept"]
