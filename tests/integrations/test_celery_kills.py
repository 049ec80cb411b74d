"""Celery's workers and their children, killed in the middle of their tasks, and spawned instead of forked."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from kombu import Connection

from tests.integrations.processes import (
    RABBITMQ,
    REDIS,
    Process,
    Site,
    absent,
    by_file,
    by_taskscope,
    redis_prefix,
    wait_for,
)

APP = "tests.integrations.celery_app"
QUIET = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle")


def kills(folder: Path, prefix: str, *, tasks: int, seconds: float, every_s: float) -> None:
    """Have short tasks done by four children, one of which is killed at random again and again."""
    site = Site(folder, prefix, REDIS)
    try:
        site.call(f"from {APP} import *\nfor n in range({tasks}): ok.delay(seconds={seconds})")
        worker = site.start("celery", "-A", APP, "worker", "-n", "k@%h", "-c", "4", *QUIET)
        random = Random(7)
        wait_for(lambda: len(site.lines()) > 10)
        killed, due = 0, time.monotonic()

        def nearly_done() -> bool:
            nonlocal killed, due
            children = worker.children()
            if children and time.monotonic() >= due:
                due += every_s
                with suppress(ProcessLookupError):
                    os.kill(random.choice(children), signal.SIGKILL)
                killed += 1
            return len({line["task"] for line in site.lines()}) >= tasks - killed  # some died before their first line

        wait_for(nearly_done, "the tasks begin")
        wait_for(lambda: not any(site.ask("stats")[key] for key in ("running", "pending")), "nothing is left")
        assert worker.stop() == 0
        site.ask("tick")
        found, written = by_taskscope(site.runs()), by_file(site)
        assert killed > 1
        for task, ends in found.items():
            # A child may die after its line and before it told anybody; Celery calls that task failed too.
            assert ends in (written.get(task), ["lost"])
        stats = site.ask("stats")
        assert stats["submitted"] == tasks == stats["succeeded"] + stats["lost"]
        assert stats["lost"] <= killed
        assert stats["pending"] == stats["running"] == 0
        busy = site.ask("utilization", "--from", "-1h", "--to", "now")["workers"]
        durations = sum(run["duration_ms"] or 0 for run in site.runs())  # lost ones may have none
        assert [row["busy_ms"] for row in busy] == [pytest.approx(durations, abs=1)]
        assert site.ask("verify")["differences"] == []
    finally:
        site.close()


def test_children_that_are_killed_lose_their_run_and_nothing_else(tmp_path: Path) -> None:
    with redis_prefix() as prefix:
        kills(tmp_path, prefix, tasks=60, seconds=0.1, every_s=0.3)


@pytest.mark.soak
def test_two_thousand_tasks_while_a_child_is_killed_every_two_seconds(tmp_path: Path) -> None:
    with redis_prefix() as prefix:
        kills(tmp_path, prefix, tasks=2000, seconds=0.02, every_s=2.0)


# --- redelivery -------------------------------------------------------------------------------------------------------


@pytest.fixture
def rabbit(tmp_path: Path) -> Iterator[Site]:
    """Give an application on RabbitMQ, which redelivers at once what a dead worker had not acknowledged."""
    connection = Connection(RABBITMQ)
    try:
        connection.ensure_connection(max_retries=1, timeout=3)
    except (OSError, connection.OperationalError) as error:
        absent(f"RabbitMQ answers at {RABBITMQ}", error)
    with redis_prefix() as prefix:
        site = Site(tmp_path, prefix, RABBITMQ)
        try:
            yield site
        finally:
            site.close()
            with connection.channel() as channel:
                channel.queue_delete(f"{prefix}.default")
            connection.release()


def worker_of(site: Site, name: str) -> Process:
    return site.start("celery", "-A", APP, "worker", "-n", f"{name}@%h", "-c", "1", *QUIET)


def test_a_redelivery_is_a_second_run_of_the_same_attempt(rabbit: Site) -> None:
    first = worker_of(rabbit, "first")
    rabbit.call(f"from {APP} import *\nsuicide.apply_async(task_id='child')\nlate.apply_async(task_id='worker')")
    wait_for(lambda: any(line["task"] == "worker" and line["what"] == "lost" for line in rabbit.lines()))
    os.killpg(first.process.pid, signal.SIGKILL)  # the worker and its child, in the middle of a task
    second = worker_of(rabbit, "second")
    wait_for(lambda: [line["what"] for line in rabbit.lines()].count("succeeded") == 2)
    assert second.stop() == 0

    # Of the dead worker nobody could say anything: its run is lost once its last heartbeat is over.
    ends = [("child", "lost"), ("child", "succeeded"), ("worker", "succeeded")]
    assert sorted((run["task"], run["outcome"]) for run in rabbit.runs() if run["outcome"]) == ends
    rabbit.ask("tick", "--at", (datetime.now(UTC) + timedelta(minutes=1)).isoformat())
    assert sorted((run["task"], run["outcome"]) for run in rabbit.runs()) == sorted([*ends, ("worker", "lost")])
    assert {key: sorted(ends) for key, ends in by_taskscope(rabbit.runs()).items()} == {
        key: sorted(ends) for key, ends in by_file(rabbit).items()
    }
    assert {run["attempt"] for run in rabbit.runs()} == {1}
    assert {task["state"] for task in rabbit.runs("--outcome", "succeeded")} == {"COMPLETED"}


def test_children_that_are_spawned_are_hands_of_their_worker_too(tmp_path: Path) -> None:
    with redis_prefix() as prefix:
        site = Site(tmp_path, prefix, REDIS)
        try:
            worker = site.start("celery", "-A", APP, "worker", "-n", "s@%h", "-c", "1", *QUIET, START_METHOD="spawn")
            site.call(f"from {APP} import *\nok.delay(); fail.delay(); parent.delay(); exits.delay()")
            wait_for(lambda: sum(run["state"] in {"COMPLETED", "FAILED"} for run in site.runs()) == 6)
            assert worker.stop() == 0
            assert by_taskscope(site.runs()) == by_file(site)
            (online,) = [fact for fact in site.facts() if fact["type"] == "worker.online"]
            started = [fact for fact in site.facts() if fact["type"] == "task.started"]
            assert {(fact["worker"], fact["boot"]) for fact in started} == {(online["worker"], online["boot"])}
        finally:
            site.close()
