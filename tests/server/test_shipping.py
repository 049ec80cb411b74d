"""Applications and agents that ship to a real server: killed in the middle, cut off for long, complete at the end."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from taskscope.sdk import rejected
from taskscope.sdk.segments import drain
from taskscope.sdk.spool import SpoolWriter
from taskscope.sdk.waiting import look
from tests.sdk.servers import closed_port
from tests.server.conftest import DEADLINE_S, TASKSCOPE, Server, wait_for

VICTIM = Path(__file__).with_name("victim.py")

Agent = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "application"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TASKSCOPE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Server]:
    """Give a server of the test's own."""
    server = Server(tmp_path / "server")
    yield server
    if server.process.returncode is None:
        server.stop()


@pytest.fixture
def agent(home: Path) -> Iterator[Agent]:
    started: list[subprocess.Popen[str]] = []

    def start(url: str, *arguments: str) -> subprocess.Popen[str]:
        command: list[str | Path] = [TASKSCOPE, "agent", "--home", home, "--url", url, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Taskscope ships")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def url_of(server: Server) -> str:
    return str(server.client.base_url)


def stop(process: subprocess.Popen[str], sign: signal.Signals = signal.SIGTERM) -> str:
    """Stop an agent, see that it ends well, and give what it said since it began."""
    process.send_signal(sign)
    _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, err
    return err


def command(*arguments: str | Path) -> Any:
    done = subprocess.run([TASKSCOPE, *arguments, "--json"], capture_output=True, timeout=DEADLINE_S * 10, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def facts(server: Server) -> list[dict[str, Any]]:
    """Stop a server, see that its figures are what its facts say, and give all facts."""
    server.stop()
    assert command("verify", "--home", server.home)["differences"] == []
    found: list[dict[str, Any]] = command("export", "--home", server.home)["events"]
    return found


def empty(home: Path) -> bool:
    return look(home).bytes == 0


def killed_in_the_middle(home: Path, server: Server, agent: Agent, rounds: int) -> None:
    """Kill applications that ship, let a fresh agent do the rest, and compare with their accounts."""
    account = home.parent / "account"
    interrupted = 0
    for number in range(rounds):
        arguments = [str(home), url_of(server), str(account), f"v{number}"]
        victim = subprocess.Popen([sys.executable, str(VICTIM), *arguments])
        mine = f"begin v{number}-"
        wait_for(lambda mine=mine: account.exists() and mine in account.read_text())  # type: ignore[misc]
        with suppress(subprocess.TimeoutExpired):
            victim.wait(timeout=random.Random(number).random() * 0.25)
        victim.kill()
        victim.wait()
        interrupted += not empty(home)
    assert interrupted > rounds // 4
    process = agent(url_of(server))
    wait_for(lambda: empty(home))
    stop(process)
    lines = [line.split() for line in account.read_text().splitlines()]
    begun = {task for word, task in lines if word == "begin"}
    ended = {task for word, task in lines if word == "end"}
    arrived = Counter((fact["task"], fact["type"]) for fact in facts(server) if "task" in fact)
    assert set(arrived.values()) == {1}
    assert {task for task, _ in arrived} <= begun
    assert {(task, kind) for task in ended for kind in ("task.started", "task.succeeded")} <= arrived.keys()
    found = look(home)
    assert (found.rejected.records, found.torn.tails, found.bytes) == (0, 0, 0)


def test_twenty_shippers_killed_in_the_middle_of_a_batch(home: Path, here: Server, agent: Agent) -> None:
    killed_in_the_middle(home, here, agent, 20)


@pytest.mark.soak
def test_five_hundred_shippers_killed_in_the_middle_of_a_batch(home: Path, here: Server, agent: Agent) -> None:
    killed_in_the_middle(home, here, agent, 500)


def test_what_is_recorded_while_the_server_is_away_arrives_when_it_comes(
    home: Path, tmp_path: Path, agent: Agent
) -> None:
    port = closed_port()
    url = f"http://127.0.0.1:{port}"
    script = """
import sys, taskscope
scope = taskscope.connect("shop", home=sys.argv[1])
for _ in range(10_000):
    scope.submitted("job")
print(scope.dropped)
"""
    environment = os.environ | {"TASKSCOPE_URL": url}
    done = subprocess.run(
        [sys.executable, "-c", script, str(home)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "0"
    process = agent(url)
    log = home / "logs" / "monitoring.log"
    wait_for(lambda: log.exists() and "no facts reach" in log.read_text())
    server = Server(tmp_path / "server", "--port", str(port))
    wait_for(lambda: empty(home))
    said = stop(process)
    assert said.count("no facts reach") == said.count("takes facts again") == 1
    found = facts(server)
    assert sum(fact["type"] == "task.submitted" for fact in found) == 10_000
    assert {fact["type"] for fact in found if "worker" in fact} == {
        "worker.online",
        "worker.heartbeat",
        "worker.offline",
    }


COUNT = """
import sys, time, taskscope
scope = taskscope.connect("shop", home=sys.argv[1])
scope.submitted("job")
done, end = 0, time.thread_time() + 0.2
while time.thread_time() < end:
    scope.submitted("job")
    done += 1
print(done)
"""


def test_an_application_records_as_much_with_a_server_that_is_away(tmp_path: Path) -> None:
    """Count what is recorded in the same time of the processor, alternately, and compare the best of each."""

    def recorded(number: int, environment: dict[str, str]) -> int:
        arguments = [sys.executable, "-c", COUNT, str(tmp_path / f"{number}-{len(environment)}")]
        done = subprocess.run(arguments, env=os.environ | environment, capture_output=True, text=True, check=True)
        return int(done.stdout)

    away = {"TASKSCOPE_URL": f"http://127.0.0.1:{closed_port()}"}
    counts = [(recorded(number, {}), recorded(number, away)) for number in range(3)]
    alone, shipping = (max(column) for column in zip(*counts, strict=True))
    assert shipping > 0.6 * alone, counts


def test_an_agent_is_a_worker_that_ships_what_others_recorded(home: Path, here: Server, agent: Agent) -> None:
    writer = SpoolWriter(home)
    writer.append(b'{"id": "e", "type": "task.submitted", "task": "t", "time": "2026-01-08T09:00:00Z"}')
    process = agent(url_of(here), "--name", "agent-x")
    wait_for(lambda: here.client.get("/api/v1/stats").json()["submitted"] == 1)
    assert stop(process) == ""
    writer.close()
    workers = [fact for fact in facts(here) if fact.get("worker") == "agent-x"]
    assert [fact["type"] for fact in workers] == ["worker.online", "worker.heartbeat", "worker.offline"]
    assert (workers[0]["data"]["role"], workers[0]["service"]) == ("agent", "taskscope")


def test_an_agent_is_named_after_its_host_and_says_so_as_json(home: Path, here: Server, agent: Agent) -> None:
    process = agent(url_of(here), "--json")
    assert process.stdout is not None
    name = f"agent-{os.uname().nodename}"
    assert json.loads(process.stdout.readline()) == {"home": str(home), "url": url_of(here), "worker": name}
    assert stop(process, signal.SIGINT) == ""


def test_a_home_has_one_agent(home: Path, here: Server, agent: Agent) -> None:
    process = agent(url_of(here))
    arguments: list[str | Path] = [TASKSCOPE, "agent", "--home", home, "--url", url_of(here)]
    second = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert second.returncode == 1
    assert "another agent ships the home" in second.stderr
    stop(process)
    stop(agent(url_of(here)))


def test_an_agent_that_is_killed_is_replaced_at_once(home: Path, here: Server, agent: Agent) -> None:
    first = agent(url_of(here))
    first.kill()
    first.wait()
    stop(agent(url_of(here)))


def test_a_refused_record_is_kept_and_arrives_once_it_is_mended_and_replayed(
    home: Path, here: Server, agent: Agent
) -> None:
    writer = SpoolWriter(home)
    writer.append(b'{"id": "r", "type": "no.such.type", "job": "j", "time": "2026-01-08T09:00:00Z"}')
    writer.append(b'{"id": "e", "type": "task.submitted", "task": "t", "time": "2026-01-08T09:00:00Z"}')
    writer.close()
    process = agent(url_of(here))
    wait_for(lambda: look(home).rejected.records == 1)
    assert here.client.get("/api/v1/stats").json()["submitted"] == 1
    (path,) = rejected.files(home)
    path.write_text(path.read_text().replace("no.such.type", "job.registered"))
    assert command("spool", "replay", "--home", home) == {"records": 1, "unreadable": 0}
    wait_for(lambda: empty(home))
    stop(process)
    assert not look(home).rejected.records
    assert "r" in {fact["id"] for fact in facts(here)}


def test_a_server_takes_in_its_own_spool_whatever_the_url_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKSCOPE_URL", f"http://127.0.0.1:{closed_port()}")
    server = Server(tmp_path / "server")
    writer = SpoolWriter(server.home)
    writer.append(b'{"id": "e", "type": "task.submitted", "task": "t", "time": "2026-01-08T09:00:00Z"}')
    writer.close()
    wait_for(lambda: server.client.get("/api/v1/stats").json()["submitted"] == 1)
    server.stop()
    assert drain(server.home, lambda _: None).records == 0
