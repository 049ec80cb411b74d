"""A server that is killed at any moment loses nothing that it answered for, and counts nothing twice."""

import json
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from taskscope import stats
from taskscope.ports import Filter
from taskscope.store.sqlite import SqliteStore
from tests.server.conftest import DEADLINE_S, TASKSCOPE, wait_for

ROOT = Path(__file__).parents[2]
SENDERS = ("a", "b", "c")


def free_port(chance: random.Random) -> int:
    """Give a port that no outgoing connection takes while the server is away, as it may one of the upper ports."""
    while True:
        port = chance.randrange(12_000, 30_000)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def served(home: Path, port: int) -> subprocess.Popen[str]:
    command: list[str | Path] = [TASKSCOPE, "serve", "--home", home, "--port", str(port), "--json"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert server.stdout is not None
    if not (line := server.stdout.readline()):
        pytest.fail(f"the server did not start: {server.communicate()[1]}")
    assert json.loads(line)["pid"] == server.pid
    return server


def ended(server: subprocess.Popen[str], sign: signal.Signals) -> None:
    server.send_signal(sign)
    _, err = server.communicate(timeout=DEADLINE_S)
    assert server.returncode == (0 if sign is signal.SIGTERM else -sign), err


def said(account: Path, word: str) -> list[range]:
    lines = [line.split() for line in account.read_text("utf-8").splitlines()]
    return [range(int(first), int(after)) for kind, first, after in lines if kind == word]


def sizes(accounts: dict[str, Path]) -> list[int]:
    return [path.stat().st_size for path in accounts.values()]


def rounds(folder: Path, count: int) -> None:
    """Kill a server again and again under one long load, then compare its store with the accounts of the senders."""
    with ExitStack() as processes:
        _rounds(folder, count, processes)


def _rounds(folder: Path, count: int, processes: ExitStack) -> None:
    home, chance = folder / "home", random.Random(count)
    port = free_port(random.Random())
    accounts = {name: folder / f"{name}.account" for name in SENDERS}
    server = served(home, port)
    processes.callback(lambda: server.kill())  # noqa: PLW0108 - the one that runs by then
    senders = [
        subprocess.Popen([sys.executable, "-m", "tests.server.sender", str(port), str(account), name], cwd=ROOT)
        for name, account in accounts.items()
    ]
    for sender in senders:
        processes.callback(sender.kill)
    wait_for(lambda: all(path.exists() and said(path, "kept") for path in accounts.values()))
    for _ in range(count):
        before = sizes(accounts)
        wait_for(lambda: sizes(accounts) != before)  # noqa: B023
        until = time.perf_counter() + chance.random() * 0.05
        while time.perf_counter() < until:
            pass
        ended(server, signal.SIGKILL)
        server = served(home, port)
    for sender in senders:
        sender.terminate()
    assert [sender.wait(DEADLINE_S) for sender in senders] == [0] * len(senders)
    ended(server, signal.SIGTERM)

    kept = {name: [n for part in said(path, "kept") for n in part] for name, path in accounts.items()}
    assert all(said(path, "kept") == said(path, "sending") for path in accounts.values())
    store = SqliteStore(home / "taskscope.db")
    log = sqlite3.connect(store.path)
    [(facts, tasks)] = log.execute("SELECT count(*), count(DISTINCT task) FROM event").fetchall()
    names = {name for (name,) in log.execute("SELECT task FROM task")}
    log.close()
    assert names == {f"{name}-{n}" for name, numbers in kept.items() for n in numbers}
    assert (facts, tasks) == (3 * len(names), len(names))
    answer = stats.stats(store, Filter())
    assert (answer["submitted"], answer["succeeded"]) == (len(names), len(names))
    assert stats.verify(store)["differences"] == []
    store.close()


def test_a_server_killed_twenty_times_under_load(tmp_path: Path) -> None:
    rounds(tmp_path, 20)


@pytest.mark.soak
def test_a_server_killed_five_hundred_times_under_load(tmp_path: Path) -> None:
    rounds(tmp_path, 500)
