"""Processes that are killed at any moment lose no fact that was recorded, and none is counted twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskscope import app, config, stats
from taskscope.ports import Filter, Store
from tests.sdk.processes import DEADLINE_S

VICTIMS = Path(__file__).with_name("victims.py")
TARGETS = ("single", "threads", "forks", "drain")
Calls = set[tuple[str, str]]


class Nursery:
    """The program that forks victims, one at a time."""

    def __init__(self) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        environment = os.environ | {"PYTHONPATH": path}
        command = [sys.executable, str(VICTIMS)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def start(self, kind: str, home: Path) -> int:
        return int(self.ask(f"{kind} {home} victims"))

    def kill(self, group: int) -> None:
        os.killpg(group, signal.SIGKILL)
        assert self.ask("reap") == str(-signal.SIGKILL)  # it lived until then

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def nurseries() -> Iterator[tuple[Nursery, Nursery]]:
    pair = Nursery(), Nursery()
    yield pair
    for one in pair:
        one.close()


def accounts(home: Path) -> list[Path]:
    return list(home.parent.glob(f"{home.name}.*.account"))


def read_accounts(home: Path) -> tuple[Calls, Calls]:
    """Give the calls that began, and those that returned."""
    # A kill can cut a line where a page of the file ends, as it can tear a record: what has no end was not written.
    whole = [path.read_text().rpartition("\n")[0] for path in accounts(home)]
    lines = [line.split() for text in whole for line in text.splitlines()]
    begun, returned = ({(event, task) for mark, event, task in lines if mark == wanted} for wanted in "ba")
    return begun, returned


def written(home: Path) -> int:
    return sum(path.stat().st_size for path in accounts(home))


def wait_for(condition: Callable[[], object]) -> None:
    """Wait for a random moment of somebody's work."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "it does not get on"
        time.sleep(0.0005)


def drain_to_the_end(settings: config.Settings, store: Store) -> None:
    """Drain until no segment is left: the last of a killed group may need a moment to die."""
    end = time.monotonic() + DEADLINE_S
    while True:
        app.drain(settings, store, app.now_us(), wait=True)
        if not list((settings.home / "spool").glob("*.seg")):
            return
        assert time.monotonic() < end, "a segment does not go"


def one_round(nurseries: tuple[Nursery, Nursery], target: str, home: Path, chance: random.Random) -> int:
    """Kill a target at a random moment, drain what is left into a store, and compare with the accounts."""
    applications, drains = nurseries
    settings = config.load(str(home), environment={})
    store = app.open_store(settings)
    application = applications.start("single" if target == "drain" else target, home)
    if target == "drain":
        drain, turns = drains.start("drain", home), home.with_name(f"{home.name}.drains")
        wait_for(lambda: turns.exists() and turns.stat().st_size > chance.randrange(4))
        reached = written(home) + chance.randrange(20_000)
        wait_for(lambda: written(home) > reached)
        drains.kill(drain)
    reached = chance.randrange(1, 40_000)
    wait_for(lambda: written(home) >= reached)
    applications.kill(application)
    drain_to_the_end(settings, store)
    begun, returned = read_accounts(home)
    with store.questions() as q:
        found = Counter((event.type, event.task or "") for event, _ in q.events())
    calls = Counter({call: n for call, n in found.items() if call[0].startswith("task.")})
    if target == "forks":
        assert calls.pop(("task.submitted", "before-the-forks")) == 1
        extra = 1
    else:
        extra = 0
    assert returned <= calls.keys(), f"lost: {sorted(returned - calls.keys())[:5]}"
    assert calls.keys() <= begun
    assert set(calls.values()) <= {1}
    counted = stats.stats(store, Filter())
    assert counted["submitted"] == extra + sum(event == "task.submitted" for event, _ in calls)
    assert counted["succeeded"] == sum(event == "task.succeeded" for event, _ in calls)
    assert "spool.gap" not in {event for event, _ in found}
    assert stats.verify(store)["differences"] == []
    torn = home / "spool" / "torn"
    assert not torn.exists() or len(list(torn.iterdir())) <= 8  # one for each segment that was being written to
    store.close()
    return len(returned)


def rounds(nurseries: tuple[Nursery, Nursery], target: str, folder: Path, count: int) -> None:
    recorded = [one_round(nurseries, target, folder / f"{n}", random.Random(f"{target} {n}")) for n in range(count)]
    assert sum(recorded) > 50 * count  # there was something to lose


@pytest.mark.parametrize("target", TARGETS)
def test_twenty_kills_lose_nothing_and_count_nothing_twice(
    nurseries: tuple[Nursery, Nursery], target: str, tmp_path: Path
) -> None:
    rounds(nurseries, target, tmp_path, 20)


@pytest.mark.soak
@pytest.mark.parametrize("target", TARGETS)
def test_five_hundred_kills_lose_nothing_and_count_nothing_twice(
    nurseries: tuple[Nursery, Nursery], target: str, tmp_path: Path
) -> None:
    rounds(nurseries, target, tmp_path, 500)
