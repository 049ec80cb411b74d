"""Writers that are killed at any moment lose nothing that was accepted and count nothing twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from taskscope import ingest, stats
from taskscope.core.clock import MINUTE
from taskscope.core.wire import wire_form
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import START, a_run, deliver, fact, picture

WRITER = Path(__file__).with_name("writer.py")
LAST_MARK = START + 5000 * 1_000_000
WINDOWS = [(START, START + 30 * MINUTE)]


def facts() -> list[ingest.Fact]:
    """Give a day of an application: runs, retries, hung runs, a worker that goes away, registrations."""
    made = []
    for n in range(250):
        names = {"job": f"j{n % 7}", "queue": f"q{n % 3}", "worker": f"w{n % 4}", "boot": f"b{n % 4}", "run": f"r{n}"}
        outcome = ("succeeded", "failed", "retrying", "timed_out")[n % 4]
        made += a_run(f"t{n}", n * 7, n % 90, outcome, **names)
        if outcome == "retrying":
            made += a_run(f"t{n}", n * 7 + 100, 5, attempt=2, **{**names, "run": f"r{n}-2"})
        if n % 10 == 0:
            made.append(fact("task.started", n * 7, task=f"hung{n}", data={"timeout_ms": 60_000}, **names))
    for worker in range(4):
        for at_s in range(0, 1500, 10):
            made.append(fact("worker.heartbeat", at_s, worker=f"w{worker}", boot=f"b{worker}"))
    made.append(fact("job.registered", 0, job="j1", data={"timeout_ms": 30_000}))
    return made


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the facts as a file."""
    path = tmp_path_factory.mktemp("facts") / "facts.ndjson"
    path.write_bytes(b"\n".join(msgspec.json.encode(wire_form(event)) for event, _ in facts()))
    return path


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give what a store says that took everything at once and undisturbed."""
    store = SqliteStore(tmp_path_factory.mktemp("expected") / "store.db")
    deliver(store, facts())
    ingest.sweep(store, LAST_MARK)
    return picture(store, WINDOWS)


def write(path: Path, lines: Path, seed: object) -> subprocess.Popen[str]:
    """Start a writer."""
    command = [sys.executable, str(WRITER), str(path), str(lines), str(seed)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill_somewhere(writer: subprocess.Popen[str], chance: random.Random) -> None:
    """Kill a writer after some batches, at a random point of the next one."""
    assert writer.stdout is not None
    for _ in range(chance.randrange(1, 25)):
        writer.stdout.readline()
    until = time.perf_counter() + chance.random() * 0.02
    while time.perf_counter() < until:
        pass
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()


def finish(writer: subprocess.Popen[str]) -> None:
    """Let a writer come to its end."""
    writer.communicate(timeout=120)
    assert writer.returncode == 0


def rounds(path: Path, lines: Path, expected: dict[str, Any], count: int) -> None:
    """Kill one of two writers again and again, let another finish, and compare."""
    for number in range(count):
        chance = random.Random(number)
        file = path / f"{number}.db"
        beside = write(file, lines, f"beside {number}") if number % 4 == 0 else None
        kill_somewhere(write(file, lines, f"killed {number}"), chance)
        if beside is not None:
            finish(beside)
        finish(write(file, lines, f"last {number}"))
        store = SqliteStore(file)
        ingest.sweep(store, LAST_MARK)
        assert picture(store, WINDOWS) == expected, f"round {number}"
        assert stats.verify(store)["differences"] == [], f"round {number}"
        store.close()


def test_twenty_writers_killed_in_the_middle_of_a_transaction(
    tmp_path: Path, lines: Path, expected: dict[str, Any]
) -> None:
    assert expected["stats"]["lost"] + expected["stats"]["timed_out"] > 0
    rounds(tmp_path, lines, expected, 20)


@pytest.mark.soak
def test_two_hundred_writers_killed_in_the_middle_of_a_transaction(
    tmp_path: Path, lines: Path, expected: dict[str, Any]
) -> None:
    assert expected["stats"]["submitted"] > 0
    rounds(tmp_path, lines, expected, 200)
