"""Ugly bodies: each is refused with words, or its bad events are named and its good ones kept; in bounded memory."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.server.conftest import DEADLINE_S, Server
from tests.server.ugly import EVENTS, KEPT, Body, Ugly

if TYPE_CHECKING:
    from collections.abc import Iterator

GROWTH_KIB = 200 << 10
"""How far the memory may rise: two bodies of 16 MiB are decoded at once, each with the facts that come out of it."""


class Answer(NamedTuple):
    status: int
    kind: str
    document: Any


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "home")
    yield server
    if server.process.returncode is None:
        server.stop()


def peak_kib(server: Server) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())
    assert found
    return int(found[1])


def send(server: Server, body: Body) -> Answer | None:
    """Send a body; None where the server hung up on what is no HTTP."""
    if not body.bare:
        answer = server.client.post(EVENTS, content=body.content, headers=body.headers)
        return Answer(answer.status_code, answer.headers["content-type"], answer.json())
    url = urlsplit(server.ready["url"])
    with socket.create_connection((url.hostname, url.port), timeout=DEADLINE_S) as sender:
        sender.sendall(body.content)
        sender.shutdown(socket.SHUT_WR)
        found = http.client.HTTPResponse(sender, method="POST")
        try:
            found.begin()
            text = found.read()
        except (http.client.BadStatusLine, ConnectionResetError):
            return None
        kind = found.headers["content-type"]
        return Answer(found.status, kind, json.loads(text) if "json" in kind else text.decode())


def judge(body: Body, answer: Answer | None) -> tuple[str, ...]:
    """Check an answer; give the tasks that must have been kept."""
    if answer is None:
        assert body.bare
        return ()
    assert answer.status in body.statuses, answer
    if answer.status != KEPT:
        if not (body.bare and answer.kind.startswith("text/plain")):  # where there is no HTTP there are no problems
            assert answer.kind == "application/problem+json"
            assert answer.document["status"] == answer.status
            assert answer.document["detail"]
        return ()
    rejected = [one["index"] for one in answer.document["rejected"]]
    assert all(one["error"] for one in answer.document["rejected"])
    if body.bad is not None:
        assert rejected == sorted(body.bad)
    assert (answer.document["accepted"], answer.document["duplicates"]) == (len(body.good), body.repeated)
    return body.good


def tasks_of(server: Server, service: str) -> Counter[str]:
    """Count the runs and submissions that the server knows of each task, page by page."""
    found: Counter[str] = Counter()
    cursor: dict[str, str] = {}
    while True:
        answer = server.client.get("/api/v1/runs", params={"service": service, "limit": 1000, **cursor}).json()
        found.update(one["task"] for one in answer["items"])
        if answer["next_cursor"] is None:
            return found
        cursor = {"cursor": answer["next_cursor"]}


def bear(server: Server, seed: int, number: int) -> Counter[str]:
    """Send bodies, some of them twice; give what became of them by what is ugly about them."""
    service = f"ugly-{seed}"
    ugly = Ugly(seed, service)
    expected: Counter[str] = Counter()
    untold: set[str] = set()  # taken, it may be, before the server hung up on what came behind
    seen: Counter[str] = Counter()
    for place in range(number):
        body = ugly.body()
        answer = send(server, body)
        try:
            kept = judge(body, answer)
            expected.update(kept)
            if body.bare and not kept:
                untold.update(body.good)
            if kept and place % 10 == 0:
                again = send(server, body)
                assert again is not None
                assert (again.status, again.document["accepted"]) == (KEPT, 0)
                assert again.document["duplicates"] == len(kept) + body.repeated
        except AssertionError as error:
            error.add_note(f"seed {seed}, body {place}, {body.about}: {body.content[:1000]!r} {body.headers}")
            raise
        seen[f"{answer.status if answer else None} {body.about}"] += 1
    assert set(expected.values()) == {1}
    found = tasks_of(server, service)
    assert found == expected + Counter(found.keys() & untold)
    assert server.client.get("/api/v1/stats", params={"service": service}).json()["tasks"]["total"] == len(found)
    return seen


def check_quiet(server: Server, before_kib: int) -> None:
    """Check that it needed no memory without bound, and that nothing in it broke."""
    grown_kib = peak_kib(server) - before_kib
    log = (server.home / "logs" / "monitoring.log").read_text()
    code, said = server.stop()
    assert code == 0
    assert grown_kib < GROWTH_KIB
    assert not re.search(r'"(?:ERROR|CRITICAL)"|Traceback', log), log[-3000:]
    assert "Traceback" not in said


def test_what_is_ugly_is_refused_with_words_and_harms_nothing_beside_it(alone: Server) -> None:
    bear(alone, 0, 20)
    before_kib = peak_kib(alone)
    seen = bear(alone, 1, 480)
    check_quiet(alone, before_kib)
    assert len(seen) > 40


@pytest.mark.soak
def test_ten_thousand_ugly_bodies_harm_nothing(alone: Server) -> None:
    bear(alone, 0, 20)
    before_kib = peak_kib(alone)
    for seed in range(1, 21):
        bear(alone, seed, 500)
    check_quiet(alone, before_kib)
