"""Every route and every kind of caller: the expected answer for each pair, from a server that runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import product
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from taskscope.core.access import SCOPES
from tests.server.access import add_every_kind, bearer
from tests.server.conftest import DEADLINE_S, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPEN = {("GET", "/"), ("GET", "/api/v1/health"), ("GET", "/api/v1/openapi.json"), ("POST", "/api/v1/session")}
ANYBODY = {("GET", "/api/v1/session"), ("DELETE", "/api/v1/session")}
ADMIN = ("/api/v1/tokens", "/api/v1/audit")


def expected(method: str, path: str) -> str:
    """Say what a route takes, by a rule that is written anew here."""
    if (method, path) in OPEN:
        return "open"
    if (method, path) in ANYBODY:
        return "anybody"
    if path.startswith(ADMIN):
        return "admin"
    if (method, path) == ("POST", "/api/v1/events"):
        return "ingest"
    return "read" if method == "GET" else "operate"


class Newcomer:
    """A server process with routes that nobody opened."""

    def __init__(self, home: Path) -> None:
        self.home = home
        command = [sys.executable, "-W", "ignore", "-m", "tests.server.newcomer", str(home)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.client = httpx.Client(base_url=self.url, timeout=DEADLINE_S)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    server = Newcomer(tmp_path_factory.mktemp("newcomer"))
    yield server
    server.client.close()
    server.process.terminate()
    server.process.communicate(timeout=DEADLINE_S)


@pytest.fixture(scope="module")
def tokens(newcomer: Newcomer) -> dict[str, str]:
    made = add_every_kind(newcomer.home)
    wait_for(
        lambda: newcomer.client.get("/api/v1/stats").status_code == 401
    )  # it believes that there is none: a second
    return made


@pytest.fixture(scope="module")
def routes(newcomer: Newcomer) -> list[tuple[str, str]]:
    """Name every route that the server describes, and those that it does not."""
    described: dict[str, dict[str, Any]] = newcomer.client.get("/api/v1/openapi.json").json()["paths"]
    found = [(method.upper(), path) for path, item in described.items() for method in item]
    assert ("POST", "/api/v1/newcomer/{name}") in found
    found += [("GET", "/"), ("GET", "/api/v1/openapi.json"), ("GET", "/nothing"), ("PUT", "/nothing")]
    return [(method, re.sub(r"\{[^}]*\}", "x", path)) for method, path in found]


def test_every_route_answers_every_caller_as_it_should(
    newcomer: Newcomer, tokens: dict[str, str], routes: list[tuple[str, str]]
) -> None:
    wrong: list[object] = []
    callers: list[str | None] = [None, *tokens]
    for (method, path), caller in product(routes, callers):
        # Those who fail often are refused for that: here each route is asked from an address of its own.
        headers = {"X-Forwarded-For": f"192.0.2.{routes.index((method, path))}"}
        headers |= {} if caller is None else bearer(tokens[caller])
        status = newcomer.client.request(method, path, headers=headers).status_code
        demanded = expected(method, path)
        if demanded == "open" or (caller in SCOPES and demanded in ("anybody", caller)):
            good = status not in (401, 403, 429)
        else:
            good = status == (403 if caller in SCOPES else 401)
        if not good:
            wrong.append((method, path, caller, status))
    assert wrong == []


def test_no_route_answers_under_another_name(
    newcomer: Newcomer, tokens: dict[str, str], routes: list[tuple[str, str]]
) -> None:
    """A name that leads to this machine, and belongs to somebody else."""
    for host in ("rebound.example", "127.0.0.1.rebound.example", "192.0.2.1", "", "localhost.rebound.example:80"):
        for method, path in routes:
            answer = newcomer.client.request(method, path, headers={"Host": host, **bearer(tokens["admin"])})
            assert answer.status_code == 403, (method, path, host)


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://localhost.evil.example"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
]


@pytest.mark.parametrize("foreign", FOREIGN, ids=str)
def test_no_route_answers_a_page_of_another_origin(
    newcomer: Newcomer, tokens: dict[str, str], routes: list[tuple[str, str]], foreign: dict[str, str]
) -> None:
    for method, path in routes:
        answer = newcomer.client.request(method, path, headers={**foreign, **bearer(tokens["admin"])})
        harmless = method == "GET" and expected(method, path) == "open"
        assert (answer.status_code == 403) is not harmless, (method, path)


def test_a_link_from_elsewhere_may_be_followed(newcomer: Newcomer, tokens: dict[str, str]) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert newcomer.client.get("/", headers=link).status_code == 200
    assert newcomer.client.get("/api/v1/stats", headers=link).status_code == 401
    assert newcomer.client.post("/api/v1/newcomer/x", headers={**link, **bearer(tokens["operate"])}).status_code == 403


@pytest.mark.parametrize("path", ["//api/v1/tokens", "/api/v1/tokens/", "/api//v1/tokens//", "/api/v1/tokens/%0ax"])
def test_another_spelling_of_a_path_takes_as_much(newcomer: Newcomer, tokens: dict[str, str], path: str) -> None:
    def status(scope: str) -> int:
        method = "DELETE" if "x" in path else "GET"
        return newcomer.client.request(method, f"{newcomer.url}{path}", headers=bearer(tokens[scope])).status_code

    assert [status(scope) for scope in ("read", "operate")] == [403, 403]
    assert status("admin") in (200, 404)


def test_every_answer_carries_what_browsers_need(newcomer: Newcomer, tokens: dict[str, str]) -> None:
    asked = [newcomer.client.get(path) for path in ("/", "/api/v1/stats", "/nothing", "/api/v1/health")]
    asked.append(newcomer.client.get("/api/v1/stats", headers=bearer(tokens["read"])))
    for answer in asked:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
    assert asked[-1].headers["cache-control"] == "no-store"
    assert asked[1].headers["www-authenticate"].startswith("Bearer")


def refused(newcomer: Newcomer, headers: dict[str, str], origin: str | None = None, path: str = "echo") -> int:
    """Give the status with which a WebSocket is refused, 101 where it is not."""
    address = f"{newcomer.url.replace('http', 'ws')}/api/v1/{path}"
    try:
        with connect(address, additional_headers=headers, origin=origin, open_timeout=DEADLINE_S) as socket:  # type: ignore[arg-type]
            if path == "echo":
                socket.send("hello")
                assert socket.recv(DEADLINE_S) == "hello"
            return 101
    except InvalidStatus as error:
        return error.response.status_code


@pytest.mark.parametrize("path", ["echo", "stream"])
def test_a_websocket_takes_read_and_its_own_origin(newcomer: Newcomer, tokens: dict[str, str], path: str) -> None:
    told = {caller: refused(newcomer, bearer(secret), path=path) for caller, secret in tokens.items()}
    assert told.pop("read") == 101
    assert {told.pop(scope) for scope in SCOPES if scope != "read"} == {403}
    assert set(told.values()) == {401}
    assert refused(newcomer, {}, path=path) == 401
    assert refused(newcomer, bearer(tokens["read"]), newcomer.url, path) == 101
    assert refused(newcomer, bearer(tokens["read"]), "https://evil.example", path) == 403


def test_a_websocket_ends_once_its_token_is_revoked(newcomer: Newcomer, tokens: dict[str, str]) -> None:
    made = newcomer.client.post(
        "/api/v1/tokens", json={"name": "brief", "scopes": ["read"]}, headers=bearer(tokens["admin"])
    ).json()
    address = newcomer.url.replace("http", "ws") + "/api/v1/echo"
    with connect(address, additional_headers=bearer(made["token"])) as socket:
        socket.send("before")
        assert socket.recv(DEADLINE_S) == "before"
        newcomer.client.delete("/api/v1/tokens/brief", headers=bearer(tokens["admin"])).raise_for_status()
        socket.send("after")
        with pytest.raises(Exception, match="1008"):
            socket.recv(DEADLINE_S)


def test_an_action_leaves_a_trace_whatever_becomes_of_it_and_a_refused_one_none(
    newcomer: Newcomer, tokens: dict[str, str]
) -> None:
    def act(name: str, scope: str) -> int:
        return newcomer.client.post(f"/api/v1/newcomer/{name}", headers=bearer(tokens[scope])).status_code

    def trace() -> list[dict[str, Any]]:
        found = newcomer.client.get("/api/v1/audit?limit=1000", headers=bearer(tokens["admin"])).json()["items"]
        return [one for one in found if "newcomer" in one["what"]]

    before = len(trace())
    assert [act("one", "operate"), act("fails", "operate"), act("two", "read")] == [201, 500, 403]
    failed, done = trace()[: len(trace()) - before]
    assert (done["who"], done["what"], done["status"]) == ("only-operate (token)", "POST /api/v1/newcomer/one", 201)
    assert (done["before"], done["after"], done["from"]) == ({"name": None}, {"name": "one"}, "127.0.0.1")
    assert (failed["what"], failed["status"], failed["after"]) == ("POST /api/v1/newcomer/fails", 500, None)
