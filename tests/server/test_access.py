"""Tokens, signing in and out, and what is written of it: against real servers."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from taskscope.cli import main
from taskscope.errors import HomeError
from taskscope.server.access import tokens
from taskscope.server.context import clock
from taskscope.store.sqlite import SqliteStore
from tests.cli.facts import event, finished, ndjson
from tests.postgres import Schemas, run
from tests.server.access import add, admin, bearer
from tests.server.conftest import DEADLINE_S, TASKSCOPE, Server, wait_for

Start = Callable[..., Server]
NDJSON = {"Content-Type": "application/x-ndjson"}
SESSION = "/api/v1/session"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    servers: list[Server] = []

    def one(*arguments: str, home: str = "home") -> Server:
        servers.append(Server(tmp_path / home, *arguments))
        return servers[-1]

    yield one
    for server in servers:
        if server.process.returncode is None:
            server.stop()


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server of which nobody gets anything without a token."""
    home = tmp_path_factory.mktemp("closed") / "home"
    command("token", "create", "--name", "first", "--scopes", "read", "--home", home)
    server = Server(home)
    yield server
    server.stop()


def command(*arguments: str | Path, code: int = 0) -> Any:
    """Run a command in this process; give its JSON, or where it must fail, what it says."""
    done = CliRunner().invoke(main, [*map(str, arguments), "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if code == 0 else done.stderr


def serve_refused(*arguments: str | Path) -> str:
    """Start a server that must not come up; give what it says."""
    given = [TASKSCOPE, "serve", "--port", "0", *arguments]
    done = subprocess.run(given, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def sign_in(server: Server, **given: str) -> httpx.Response:
    return server.client.post(SESSION, json=given, headers={"Origin": server.ready["url"]})


def link_of(err: str) -> str:
    found = re.search(r"#code=(\S+) ", err)
    assert found
    return found[1]


# --- without a token ---


def test_this_machine_may_read_and_send_until_there_is_a_token_and_never_do_more(start: Start) -> None:
    server = start()
    body = ndjson(finished("t", 0, 1))
    assert server.client.post("/api/v1/events", content=body, headers=NDJSON).json()["accepted"] == 3
    assert server.client.get("/api/v1/stats").json()["succeeded"] == 1
    who = server.client.get(SESSION).json()
    assert (who["name"], who["scopes"], who["via"]) == ("", ["read", "ingest"], "loopback")
    for path in ("/api/v1/tokens", "/api/v1/audit"):
        assert server.client.get(path).status_code == 401
    forwarded = {"X-Forwarded-For": "127.0.0.1"}  # a proxy on this machine stands for the world
    assert server.client.get("/api/v1/stats", headers=forwarded).status_code == 401
    command("token", "create", "--name", "ci", "--scopes", "ingest", "--home", server.home)
    wait_for(lambda: server.client.get("/api/v1/stats").status_code == 401)
    command("token", "revoke", "ci", "--home", server.home)
    assert server.client.get("/api/v1/stats").status_code == 401  # closed once, closed for ever
    assert server.client.get("/api/v1/health").status_code == 200


def test_beyond_this_machine_it_serves_only_with_a_token(start: Start, tmp_path: Path) -> None:
    home = tmp_path / "home"
    command("token", "create", "--name", "old", "--scopes", "read", "--home", home)
    command("token", "revoke", "old", "--home", home)
    assert "token create" in serve_refused("--host", "0.0.0.0", "--home", home)
    made = command("token", "create", "--name", "new", "--scopes", "read", "--home", home)
    server = start("--host", "0.0.0.0")
    port = httpx.URL(server.ready["url"]).port
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_S) as client:
        assert client.get("/api/v1/stats").status_code == 401
        assert client.get("/api/v1/stats", headers=bearer(made["token"])).status_code == 200
    _, err = server.stop()
    assert "in the clear" in err


# --- the first start ---


def test_the_first_start_leaves_a_token_and_a_link_that_signs_in_once(tmp_path: Path) -> None:
    home, errors = tmp_path / "home", tmp_path / "err"
    with errors.open("w") as err:
        started: list[str | Path] = [TASKSCOPE, "serve", "--home", home, "--port", "0", "--json"]
        process = subprocess.Popen(started, stdout=subprocess.PIPE, stderr=err, text=True)
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    wait_for(lambda: "#code=" in errors.read_text())
    code = link_of(errors.read_text())
    with httpx.Client(base_url=url, timeout=DEADLINE_S) as client:
        assert client.post(SESSION, json={"code": code + "x"}).status_code == 401
        assert client.post(SESSION, json={"code": code}).json()["name"] == "admin"
        assert client.get("/api/v1/audit").status_code == 200
        assert client.post(SESSION, json={"code": code}).status_code == 401
    process.terminate()
    process.communicate(timeout=DEADLINE_S)
    path = home / "admin.token"
    kept = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = Server(home)
    who = again.client.get(SESSION, headers=admin(home)).json()
    assert (who["name"], who["scopes"]) == ("admin", ["read", "ingest", "agent", "operate", "admin"])
    _, err_again = again.stop()
    assert path.read_text() == kept
    assert kept.strip() not in errors.read_text() + err_again
    assert "sign-in" not in err_again


def test_a_file_that_holds_no_token_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("no token\n")
    with closing(SqliteStore(tmp_path / "store.db")) as store:
        with pytest.raises(HomeError, match=r"admin\.token"):
            tokens.ensure_admin(store, tmp_path, clock())
        with store.access() as access:
            assert access.tokens() == []


def test_a_start_that_did_not_come_to_its_end_is_gone_on_with(tmp_path: Path) -> None:
    """The file is there, the row is not."""
    secret = tokens.PREFIX + tokens.new_secret()
    (tmp_path / "admin.token").write_text(secret)
    (tmp_path / "admin.token").chmod(0o644)
    with closing(SqliteStore(tmp_path / "store.db")) as store:
        assert tokens.ensure_admin(store, tmp_path, clock())
        assert not tokens.ensure_admin(store, tmp_path, clock())
        with store.access() as access:
            found = access.token(tokens.digest(secret))
            assert found is not None
            assert found.name == "admin"
    assert stat.S_IMODE((tmp_path / "admin.token").stat().st_mode) == 0o600


# --- tokens ---


def test_a_token_is_made_listed_and_revoked_by_commands_and_each_leaves_a_trace(start: Start, tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = command("token", "create", "--name", "ci", "--scopes", "ingest,read", "--expires", "+90d", "--home", home)
    assert {"name", "token", "scopes", "expires_at"} <= set(made)
    assert made["scopes"] == ["read", "ingest"]
    assert tokens.has_form(made["token"])
    [listed] = command("token", "list", "--home", home)["items"]
    assert (listed["state"], listed["expires_at"], listed["last_used_at"]) == ("active", made["expires_at"], None)
    server = start()
    assert server.client.get("/api/v1/stats", headers=bearer(made["token"])).status_code == 200
    server.stop()
    used = next(one for one in command("token", "list", "--home", home)["items"] if one["name"] == "ci")
    assert used["last_used_at"] is not None
    assert command("token", "revoke", "ci", "--home", home)["state"] == "revoked"
    assert "another name" in command("token", "create", "--name", "ci", "--scopes", "read", "--home", home, code=2)
    items = command("audit", "--home", home)["items"]
    assert [(one["what"], one["after"]["state"]) for one in items] == [
        ("token revoke", "revoked"),
        ("token create", "active"),
    ]
    assert "command line" in items[0]["who"]
    exported = tmp_path / "audit.ndjson"
    assert CliRunner().invoke(main, ["audit", "--home", str(home), "--output", str(exported)]).exit_code == 0
    assert [json.loads(line) for line in exported.read_text().splitlines()] == items


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--name", "a b", "--scopes", "read"], "letters"),
        (["--name", "", "--scopes", "read"], "letters"),
        (["--name", "a", "--scopes", "write"], "unknown"),
        (["--name", "a", "--scopes", ","], "scopes"),
        (["--name", "a", "--scopes", "read", "--expires", "-1d"], "expired"),
        (["--name", "a", "--scopes", "read", "--expires", "soon"], "--expires"),
        (["--name", "a", "--scopes", "read,ingest", "--service", "shop"], "can't be bound"),
        (["--name", "a", "--scopes", "ingest", "--service", ""], "service"),
    ],
)
def test_a_token_that_makes_no_sense_is_wrong_use(tmp_path: Path, arguments: list[str], word: str) -> None:
    assert word in command("token", "create", *arguments, "--home", tmp_path / "home", code=2)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "a", "scopes": ["write"]}, 400),
        ({"name": 1, "scopes": []}, 400),
        ({"name": "a", "scopes": ["read"], "expires_at": "soon"}, 400),
        ({"name": "a", "scopes": ["read"], "expires_at": "1999-01-01T00:00:00Z"}, 400),
        ({"name": "a", "scopes": ["read"], "more": 1}, 400),
        ({"name": "admin", "scopes": ["read"]}, 400),
    ],
)
def test_a_token_that_makes_no_sense_is_a_bad_request(server: Server, body: dict[str, Any], status: int) -> None:
    assert server.client.post("/api/v1/tokens", json=body, headers=admin(server.home)).status_code == status


@pytest.mark.parametrize(("path", "deep"), [(SESSION, b"[" * 100_000), ("/api/v1/tokens", b'{"name":' * 50_000)])
def test_json_that_is_nested_without_end_is_a_bad_request(server: Server, path: str, deep: bytes) -> None:
    headers = {"Content-Type": "application/json", **admin(server.home)}
    answer = server.client.post(path, content=deep, headers=headers)
    assert (answer.status_code, "nested" in answer.text) == (400, True)


def test_a_body_that_is_too_large_is_refused(server: Server) -> None:
    headers = {"Content-Type": "application/json", **admin(server.home)}
    assert server.client.post("/api/v1/tokens", content=b" " * (2 << 20), headers=headers).status_code == 413


def test_a_token_writes_for_its_services_alone_and_each_refusal_names_the_service(closed: Server) -> None:
    with closing(SqliteStore(closed.home / "taskscope.db")) as store:
        bound = add(store, "shop", ["ingest"], ["shop", "depot"])
    events = [
        event("task.submitted", "a", 0, service="shop"),
        event("task.submitted", "b", 0, service="bank"),
        event("task.submitted", "c", 0),  # default
        event("task.submitted", "d", 0, service="depot"),
    ]
    answer = closed.client.post("/api/v1/events", content=ndjson(events), headers=NDJSON | bearer(bound)).json()
    assert (answer["accepted"], [one["index"] for one in answer["rejected"]]) == (2, [1, 2])
    assert "'bank'" in answer["rejected"][0]["error"]
    assert "depot, shop" in answer["rejected"][0]["error"]
    assert "'default'" in answer["rejected"][1]["error"]
    asked = closed.client.get("/api/v1/stats", headers=bearer(bound))
    assert asked.status_code == 403
    found = closed.client.get("/api/v1/stats?service=shop,bank,default,depot", headers=admin(closed.home)).json()
    assert found["submitted"] == 2


def test_an_agent_ships_with_a_token_out_of_a_file(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    secret = tmp_path / "token"
    made = command("token", "create", "--name", "host", "--scopes", "ingest", "--home", server.home)
    secret.write_text(made["token"] + "\n")
    monkeypatch.setenv("TASKSCOPE_TOKEN_FILE", str(secret))
    monkeypatch.setenv("TASKSCOPE_URL", server.ready["url"])
    with subprocess.Popen([TASKSCOPE, "agent", "--home", tmp_path / "far"], stderr=subprocess.DEVNULL) as agent:
        headers = admin(server.home)
        wait_for(lambda: server.client.get("/api/v1/scheduler/services/list", headers=headers).json()["data"]["total"])
        agent.terminate()


# --- signing in ---


def test_somebody_signs_in_acts_and_signs_out(closed: Server) -> None:
    origin = {"Origin": closed.ready["url"]}
    answer = sign_in(closed, token=(closed.home / "admin.token").read_text().strip())
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert closed.client.get(SESSION).json()["via"] == "session"
    given = {"name": "by-cookie", "scopes": ["read"]}
    assert closed.client.post("/api/v1/tokens", json=given).status_code == 403  # a cookie alone
    assert (
        closed.client.post("/api/v1/tokens", json=given, headers={"Origin": "https://evil.example"}).status_code == 403
    )
    assert closed.client.post("/api/v1/tokens", json=given, headers=origin).status_code == 201
    kept = dict(closed.client.cookies)
    assert closed.client.delete(SESSION, headers=origin).status_code == 204
    assert dict(closed.client.cookies) == {}
    closed.client.cookies.update(kept)
    assert closed.client.get("/api/v1/tokens").status_code == 401
    closed.client.cookies.clear()


def test_behind_tls_the_cookie_is_secure(server: Server) -> None:
    """A proxy on this machine says that it came by TLS."""
    secret = (server.home / "admin.token").read_text().strip()
    told = {"X-Forwarded-Proto": "https", "Origin": server.ready["url"].replace("http", "https")}
    answer = server.client.post(SESSION, json={"token": secret}, headers=told)
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["set-cookie"].startswith("__Host-taskscope_session")
    assert "strict-transport-security" in answer.headers
    plain = {"X-Forwarded-Proto": "https", "Origin": server.ready["url"]}  # a page that did not come by TLS
    assert server.client.post(SESSION, json={"token": secret}, headers=plain).status_code == 403


def test_what_was_signed_in_with_a_token_ends_with_it(closed: Server) -> None:
    with closing(SqliteStore(closed.home / "taskscope.db")) as store:
        secret = add(store, "guest", ["read"])
    assert sign_in(closed, token=secret).status_code == 201
    assert closed.client.get("/api/v1/stats").status_code == 200
    command("token", "revoke", "guest", "--home", closed.home)
    wait_for(lambda: closed.client.get("/api/v1/stats").status_code == 401)
    assert "revoked" in closed.client.get("/api/v1/stats").json()["detail"]
    closed.client.cookies.clear()


def test_who_guesses_is_slowed_down_and_who_is_known_is_not(start: Start) -> None:
    server = start()
    known = admin(server.home)
    assert server.client.get("/api/v1/tokens", headers=known).status_code == 200
    statuses = [sign_in(server, token=f"guess {n}").status_code for n in range(25)]
    assert statuses[:19] == [401] * 19
    assert statuses[-1] == 429
    refused = server.client.get("/api/v1/stats", headers=bearer("another guess"))
    assert (refused.status_code, int(refused.headers["retry-after"]) >= 1) == (429, True)
    assert server.client.get("/api/v1/tokens", headers=known).status_code == 200
    elsewhere = {"X-Forwarded-For": "192.0.2.7"}
    assert server.client.get("/api/v1/stats", headers=bearer("guess") | elsewhere).status_code == 401


def test_settings_name_the_server_and_say_how_often_a_token_may_ask(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKSCOPE_REQUESTS_PER_S", "1")
    monkeypatch.setenv("TASKSCOPE_HOSTS", "monitor.example, Other.Example")
    server = start()
    for host, status in (("monitor.example", 200), ("other.example:8443", 200), ("evil.example", 403)):
        assert server.client.get("/api/v1/health", headers={"Host": host}).status_code == status
    assert server.client.get("/api/v1/stats", headers={"Host": "monitor.example"}).status_code == 401
    statuses = [server.client.get(SESSION, headers=admin(server.home)).status_code for _ in range(30)]
    assert statuses[:10] == [200] * 10
    assert 429 in statuses


# --- several servers ---


def test_tokens_and_those_who_are_signed_in_are_the_same_on_every_server(start: Start, schemas: Schemas) -> None:
    url = schemas.url("access")
    first, second = (start("--store", url, home=name) for name in ("first", "second"))
    assert [path.exists() for path in (first.home / "admin.token", second.home / "admin.token")] == [True, False]
    headers = admin(first.home)
    given = {"name": "both", "scopes": ["read", "operate"]}
    assert first.client.get("/api/v1/stats").status_code == 200
    made = first.client.post("/api/v1/tokens", json=given, headers=headers).json()
    assert first.client.get("/api/v1/stats").status_code == 401  # at once where it was made
    assert second.client.get("/api/v1/stats", headers=bearer(made["token"])).status_code == 200
    wait_for(lambda: second.client.get("/api/v1/stats").status_code == 401)
    name, value = (
        first.client.post(SESSION, json={"token": made["token"]}).headers["set-cookie"].partition(";")[0].split("=")
    )
    port = httpx.URL(second.ready["url"]).port
    cookie = {"Cookie": f"{re.sub(r'[0-9]+$', str(port), name)}={value}"}
    assert second.client.get(SESSION, headers=cookie).json()["via"] == "session"
    second.client.delete("/api/v1/tokens/both", headers=headers).raise_for_status()
    wait_for(lambda: first.client.get("/api/v1/stats", headers=bearer(made["token"])).status_code == 401)
    assert second.client.get(SESSION, headers=cookie).status_code == 401
    whats = [one["what"] for one in second.client.get("/api/v1/audit", headers=headers).json()["items"]]
    assert whats == ["DELETE /api/v1/tokens/both", "POST /api/v1/tokens"]


# --- secrets ---


def test_no_secret_stands_anywhere_but_in_the_file_of_the_admin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plant them wherever a caller can put one, and search everything that was written."""
    monkeypatch.setenv("TASKSCOPE_LOG_LEVEL", "DEBUG")
    home = tmp_path / "home"
    server = Server(home)
    secret = (home / "admin.token").read_text().strip()
    given = {"name": "planted", "scopes": ["read", "operate"]}
    made = server.client.post("/api/v1/tokens", json=given, headers=bearer(secret)).json()["token"]
    guess = tokens.PREFIX + "G" * 43
    cookie = sign_in(server, token=made).headers["set-cookie"].partition(";")[0].split("=")[1]
    asked = [
        server.client.get("/api/v1/stats", headers=bearer(guess)),
        server.client.get(f"/api/v1/runs?cursor={made}", headers=bearer(made)),
        server.client.post(SESSION, json={"token": made, "more": made}),
        server.client.post(
            SESSION, content=b'{"token": "' + made.encode(), headers={"Content-Type": "application/json"}
        ),
        server.client.post("/api/v1/tokens", json={"name": made, "scopes": [made]}, headers=bearer(secret)),
        server.client.delete(f"/api/v1/tokens/{made}", headers=bearer(secret)),
        server.client.get("/api/v1/audit", headers=bearer(secret)),
        server.client.get("/api/v1/tokens", headers=bearer(secret)),
    ]
    _, err = server.stop()
    for name in ("export", "audit"):
        assert CliRunner().invoke(main, [name, "--home", str(home), "--output", str(tmp_path / name)]).exit_code == 0
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for text in (secret, made, guess, cookie):
        assert text not in err
        found = {path.name for path, content in written.items() if text.encode() in content}
        assert found - ({"admin.token"} if text == secret else set()) == set(), text
    assert not [one.text for one in asked[:1] + asked[3:4] + asked[6:] if made in one.text or secret in one.text]


# --- the trace ---


def test_the_trace_can_not_be_changed_on_sqlite(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command("token", "create", "--name", "a", "--scopes", "read", "--home", home)
    with closing(sqlite3.connect(home / "taskscope.db", isolation_level=None)) as connection:
        for statement in (
            "UPDATE action SET who = 'nobody'",
            "DELETE FROM action",
            "UPDATE action_end SET status = 0",
            "DELETE FROM action_end",
            "INSERT OR REPLACE INTO action VALUES (1, 0, 'x', 'x', 'x')",
            "INSERT OR REPLACE INTO action_end VALUES (1, 0, 0, NULL, NULL)",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                connection.execute(statement)
    assert len(command("audit", "--home", home)["items"]) == 1


def test_the_trace_can_not_be_changed_on_postgresql(schemas: Schemas, tmp_path: Path) -> None:
    home = tmp_path / "home"
    url = schemas.url("trace")
    command("token", "create", "--name", "a", "--scopes", "read", "--store", url, "--home", home)
    for statement in (
        "UPDATE action SET who = 'nobody'",
        "DELETE FROM action",
        "TRUNCATE action",
        "UPDATE action_end SET status = 0",
        "DELETE FROM action_end",
        "TRUNCATE action_end",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            run(url, statement)
    assert len(command("audit", "--store", url, "--home", home)["items"]) == 1
