"""A server as a process: what it does beside answering, how it starts and how it ends."""

import fcntl
import http.client
import json
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import taskscope
from taskscope import stats
from taskscope.ports import Filter
from taskscope.store.sqlite import SqliteStore
from tests.cli.facts import event, finished, ndjson
from tests.server.conftest import DEADLINE_S, TASKSCOPE, Server, wait_for

Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    servers: list[Server] = []

    def one(*arguments: str) -> Server:
        servers.append(Server(tmp_path / "home", *arguments))
        return servers[-1]

    yield one
    for server in servers:
        if server.process.returncode is None:
            server.stop()


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TASKSCOPE, *arguments], capture_output=True, text=True, check=False, timeout=DEADLINE_S)


def test_a_server_drains_the_spool_of_its_home(start: Start) -> None:
    server = start()
    scope = taskscope.connect("shop", home=server.home, worker="w")
    with scope.run("draw", task_id="t1"):
        pass
    wait_for(lambda: server.client.get("/api/v1/stats").json()["succeeded"] == 1)
    scope.close()
    asked = command("stats", "--json", "--home", server.home)
    assert json.loads(asked.stdout)["succeeded"] == 1


def test_a_server_sweeps(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKSCOPE_SWEEP_INTERVAL_S", "0.05")
    server = start()
    started = event("task.started", "t", 0, run="r", worker="w", data={"timeout_ms": 1000})
    server.client.post("/api/v1/events", content=ndjson([started]), headers={"Content-Type": "application/x-ndjson"})
    wait_for(lambda: server.client.get("/api/v1/stats").json()["timed_out"] == 1)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_stop_ends_well(start: Start, sign: signal.Signals) -> None:
    server = start()
    code, err = server.stop(sign)
    assert code == 0
    serves, signs_in = err.splitlines()
    assert serves == f"Taskscope serves on {server.ready['url']}"
    assert signs_in.startswith(f"Sign in within ten minutes by {server.ready['url']}/sign-in#code=")


def test_what_was_answered_outlives_a_server_that_is_killed(start: Start) -> None:
    server = start()
    body = ndjson(finished("t", 5, 6))
    answer = server.client.post("/api/v1/events", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["accepted"] == 3
    server.stop(signal.SIGKILL)
    assert start().client.get("/api/v1/stats").json()["succeeded"] == 1


def test_a_home_has_one_server(start: Start) -> None:
    server = start()
    second = command("serve", "--port", "0", "--home", server.home)
    assert second.returncode == 1
    assert "another server holds the home" in second.stderr
    assert "Traceback" not in second.stderr
    assert command("tick", "--home", server.home).returncode == 1


def test_a_second_server_of_a_home_is_told_of_the_home_and_not_of_the_port(start: Start) -> None:
    server = start()
    port = str(urlsplit(server.ready["url"]).port)
    second = command("serve", "--port", port, "--home", server.home)
    assert (second.returncode, second.stdout) == (1, "")
    assert f"another server holds the home {server.home}" in second.stderr


def test_a_home_is_free_once_its_server_is_killed(start: Start) -> None:
    first = start()
    port = str(urlsplit(first.ready["url"]).port)
    first.stop(signal.SIGKILL)
    again = start("--port", port)
    assert again.ready["url"] == first.ready["url"]


def test_a_server_starts_while_somebody_looks_whether_one_is_there(start: Start) -> None:
    home = start().home
    start_again = [command("stats", "--json", "--home", home).returncode for _ in range(3)]
    assert start_again == [0, 0, 0]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_host_beyond_this_machine_is_refused_with_the_reason(tmp_path: Path, host: str) -> None:
    refused = command("serve", "--host", host, "--port", "0", "--home", tmp_path / "home")
    assert refused.returncode == 2
    assert "taskscope token create" in refused.stderr


def test_an_unknown_host_is_wrong_use(tmp_path: Path) -> None:
    assert command("serve", "--host", "no.such.invalid", "--home", tmp_path / "home").returncode == 2


def test_a_port_that_is_taken_is_named_with_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = command("serve", "--port", port, "--home", tmp_path / "home")
    assert refused.returncode == 1
    assert f"127.0.0.1:{port}" in refused.stderr
    assert "--port" in refused.stderr


def logged(home: Path, file: str = "monitoring.log") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "logs" / file).read_text().splitlines()]


def test_a_server_logs_to_its_home(start: Start) -> None:
    server = start()
    started = next(line for line in logged(server.home) if "startup complete" in line["message"])
    assert set(started) == {"time", "level", "logger", "message"}
    assert (started["level"], started["logger"]) == ("INFO", "uvicorn.error")
    made = set((server.home / "logs").rglob("*"))
    assert {path.name for path in made if path.is_dir()} == {"alerts", "monitoring_results", "errors"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in made | {server.home / "logs"})


def is_draining(home: Path) -> bool:
    with (home / "spool" / "drain.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_server_goes_on_without_logs_and_says_so(start: Start, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(0o700)
    (home / "logs").write_text("a file where the folder should be")
    server = start()
    assert server.client.get("/api/v1/health").status_code == 200
    code, err = server.stop()
    assert code == 0
    assert "no logs are kept" in err.splitlines()[0]
    assert any("startup complete" in line for line in err.splitlines())


def test_a_server_says_on_stdout_where_it_is_once_it_answers(start: Start) -> None:
    server = start()
    assert server.ready["pid"] == server.process.pid
    assert server.client.get("/api/v1/health").json() == {"status": "ok"}


def test_a_server_tells_systemd_once_it_answers(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(DEADLINE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        server = start()
        assert manager.recv(100) == b"READY=1"
        assert server.client.get("/api/v1/health").status_code == 200


def test_a_server_that_is_told_to_stop_answers_what_is_under_way_and_drains_once_more(start: Start) -> None:
    server = start()
    holder = sqlite3.connect(server.home / "taskscope.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")  # now every batch waits
    url = urlsplit(server.ready["url"])
    sender = http.client.HTTPConnection(url.hostname or "", url.port, timeout=DEADLINE_S)
    body = ndjson([event("task.submitted", "sent", 0)])
    sender.request("POST", "/api/v1/events", body, {"Content-Type": "application/x-ndjson"})
    wait_for(lambda: server.client.get("/api/v1/health").status_code == 200)  # so the one before it has been read
    scope = taskscope.connect(home=server.home, worker="w")
    scope.submitted("draw", task_id="recorded")
    wait_for(lambda: is_draining(server.home))  # that one, and it waits as well
    scope.submitted("draw", task_id="recorded later")
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: any("Shutting down" in line["message"] for line in logged(server.home)))
    holder.execute("ROLLBACK")
    holder.close()
    answer = sender.getresponse()
    assert (answer.status, json.loads(answer.read())["accepted"]) == (200, 1)
    sender.close()
    server.client.close()
    _, err = server.process.communicate(timeout=DEADLINE_S)
    assert (server.process.returncode, len(err.splitlines())) == (0, 2)
    store = SqliteStore(server.home / "taskscope.db")  # a command would drain by itself
    assert stats.stats(store, Filter())["submitted"] == 3
    store.close()
    scope.close()


def test_a_server_that_can_not_drain_in_the_end_says_so_and_ends_well(start: Start) -> None:
    server = start()
    lock = server.home / "spool" / "drain.lock"
    lock.mkdir(parents=True)
    wait_for(lambda: (server.home / "logs" / "scheduler.log").exists() and logged(server.home, "scheduler.log"))
    code, err = server.stop()
    assert code == 0
    assert "wait in the spool for the next start" in err
    assert "drain" in logged(server.home, "errors/errors.log")[-1]["message"]
    assert any("the loop drain failed" in line["message"] for line in logged(server.home, "scheduler.log"))
