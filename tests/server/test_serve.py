"""A server as a process: what it does beside answering, how it starts and how it ends."""

import json
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import taskscope
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
    assert err.startswith("Taskscope serves on http://127.0.0.1:")
    assert len(err.splitlines()) == 1


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


def test_a_server_starts_while_somebody_looks_whether_one_is_there(start: Start) -> None:
    home = start().home
    start_again = [command("stats", "--json", "--home", home).returncode for _ in range(3)]
    assert start_again == [0, 0, 0]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_host_beyond_this_machine_is_refused_with_the_reason(tmp_path: Path, host: str) -> None:
    refused = command("serve", "--host", host, "--port", "0", "--home", tmp_path / "home")
    assert refused.returncode == 2
    assert "access control" in refused.stderr


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


def test_a_server_logs_to_its_home(start: Start) -> None:
    server = start()
    assert "startup complete" in (server.home / "logs" / "monitoring.log").read_text()
    assert (server.home / "logs").stat().st_mode & 0o077 == 0
