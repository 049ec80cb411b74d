"""A database that goes away in the middle of a load, and comes back: what was answered is there, and only once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from taskscope import stats
from taskscope.store.postgres import PostgresStore
from taskscope.testing import EVERYTHING
from tests.cluster import Cluster
from tests.server.conftest import DEADLINE_S, Server, wait_for
from tests.server.test_kill import ROOT, SENDERS, said, sizes


def rounds(folder: Path, count: int) -> None:
    """Kill the database again and again under one long load, then compare it with the accounts of the senders."""
    with ExitStack() as stack:
        cluster = Cluster(folder / "data")
        stack.callback(cluster.stop)
        server = Server(folder / "home", "--store", cluster.url)
        stack.callback(server.process.kill)
        _load(cluster, server, folder, random.Random(count), stack, count)


def _load(cluster: Cluster, server: Server, folder: Path, chance: random.Random, stack: ExitStack, count: int) -> None:
    accounts = {name: folder / f"{name}.account" for name in SENDERS}
    port = server.ready["url"].rpartition(":")[2]
    senders = [
        subprocess.Popen([sys.executable, "-m", "tests.server.sender", port, str(account), name], cwd=ROOT)
        for name, account in accounts.items()
    ]
    for sender in senders:
        stack.callback(sender.kill)
    wait_for(lambda: all(path.exists() and said(path, "kept") for path in accounts.values()))
    for _ in range(count):
        before = sizes(accounts)
        wait_for(lambda: sizes(accounts) != before)  # noqa: B023
        until = time.perf_counter() + chance.random() * 0.05
        while time.perf_counter() < until:
            pass
        cluster.kill()
        cluster.start()
    for sender in senders:
        sender.terminate()
    assert [sender.wait(DEADLINE_S) for sender in senders] == [0] * len(senders)
    assert server.stop(signal.SIGTERM)[0] == 0

    assert all(said(path, "kept") == said(path, "sending") for path in accounts.values())
    sent = {f"{name}-{n}" for name, path in accounts.items() for part in said(path, "kept") for n in part}
    with psycopg.connect(cluster.url) as log:
        names = {name for (name,) in log.execute("SELECT task FROM task").fetchall()}
        facts = log.execute("SELECT count(*), count(DISTINCT task) FROM event").fetchone()
    assert names == sent
    assert facts == (3 * len(sent), len(sent))
    store = PostgresStore(cluster.url)
    answer = stats.stats(store, EVERYTHING)
    assert (answer["submitted"], answer["succeeded"]) == (len(sent), len(sent))
    assert stats.verify(store)["differences"] == []
    store.close()


def test_a_database_killed_five_times_under_load(tmp_path: Path) -> None:
    rounds(tmp_path, 5)


@pytest.mark.soak
def test_a_database_killed_a_hundred_times_under_load(tmp_path: Path) -> None:
    rounds(tmp_path, 100)
