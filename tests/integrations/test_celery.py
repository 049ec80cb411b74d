"""Celery with real brokers and workers: what Taskscope says is what the tasks wrote into a file."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from kombu import Connection

from tests.integrations.processes import RABBITMQ, REDIS, Process, Row, Site, absent, redis_prefix, wait_for

APP = "tests.integrations.celery_app"
QUIET = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle")
FINAL = {"COMPLETED", "FAILED"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give an application on Redis, whose worker has done one of each kind of work and has ended."""
    with redis_prefix() as prefix:
        site = Site(tmp_path_factory.mktemp("celery"), prefix, REDIS)
        try:
            beat = site.start("celery", "-A", APP, "beat", "-s", str(site.folder / "beat"), "--loglevel", "WARNING")
            worker = site.start("celery", "-A", APP, "worker", "-n", "w1@%h", "--autoscale=4,2", *QUIET)
            wait_for(lambda: any(fact["type"] == "worker.online" for fact in site.facts()))
            work(site)
            site.beat_exit, site.worker_exit = beat.stop(), worker.stop()  # type: ignore[attr-defined]
            yield site
        finally:
            site.close()


def work(site: Site) -> None:
    """Have each kind of work done."""
    site.call(
        f"""
from {APP} import *
for _ in range(20):
    ok.delay()
for task, *given in ((fail,), (flaky, 2), (flaky, 9), (soft,), (hard,), (exits,), (ignored,), (rejected,), (parent,),
                     (measured,), (own,)):
    task.delay(*given)
ok.apply_async(countdown=1.5)
ok.apply_async(countdown=1).revoke()
ok.apply_async(expires=-1)
app.send_task("tests.unknown", task_id="unknown")
ended, killed = hang.delay("cancelled"), hang.delay("lost")
print(ended.id, killed.id)
import time
for _ in range(300):
    lines = [json.loads(line) for line in open(ACCOUNT)]
    pids = {{line["task"]: line["pid"] for line in lines if line["what"] in ("cancelled", "lost")}}
    if {{ended.id, killed.id}} <= pids.keys():
        break
    time.sleep(0.1)
ended.revoke(terminate=True)
os.kill(pids[killed.id], 9)
"""
    )
    wait_for(lambda: all(run["state"] in FINAL for run in site.runs()), "all tasks end")


def by_file(site: Site) -> dict[tuple[str, int], list[str]]:
    """Give how each attempt ended, as its tasks wrote it down."""
    found: dict[tuple[str, int], list[str]] = {}
    for line in site.lines():
        if line["what"] != "start":
            found.setdefault((line["task"], line["attempt"]), []).append(line["what"])
    return found


def by_taskscope(runs: list[Row]) -> dict[tuple[str, int], list[str]]:
    """Give how each attempt ended, as Taskscope has it."""
    found: dict[tuple[str, int], list[str]] = {}
    for run in runs:
        if run["run"] is not None and run["job"].startswith("tests.") and run["started_at"] is not None:
            found.setdefault((run["task"], run["attempt"]), []).append(run["outcome"])
    return found


def test_every_attempt_ended_as_its_task_wrote_down(site: Site) -> None:
    assert by_taskscope(site.runs()) == by_file(site)
    outcomes = Counter(outcome for ends in by_file(site).values() for outcome in ends)
    assert outcomes.keys() == {"succeeded", "failed", "timed_out", "cancelled", "lost"}


def test_the_worker_and_beat_end_as_they_would_without_taskscope(site: Site) -> None:
    assert (site.worker_exit, site.beat_exit) == (0, 0)  # type: ignore[attr-defined]


def test_each_attempt_was_submitted_once_with_its_queue_and_waited(site: Site) -> None:
    submitted = [fact for fact in site.facts() if fact["type"] == "task.submitted"]
    assert max(Counter((fact["task"], fact["attempt"]) for fact in submitted).values()) == 1
    assert {fact["queue"].partition(".")[2] for fact in submitted} == {"default"}
    for run in site.runs("--service", "shop"):
        if run["started_at"] is not None and run["job"] != "step":
            assert run["wait_ms"] >= 0
            assert run["queue"].endswith(".default")
    assert site.ask("stats")["skewed"] == 0


def test_what_ended_before_it_ran_is_cancelled_or_failed_without_a_start(site: Site) -> None:
    never = [run for run in site.runs() if run["started_at"] is None]
    assert sorted((run["job"], run["outcome"]) for run in never) == [
        ("tests.ok", "cancelled"),
        ("tests.ok", "cancelled"),
        ("tests.unknown", "failed"),
    ]
    reasons = [fact["data"]["reason"] for fact in site.facts() if fact["type"] == "task.cancelled"]
    assert sorted(reasons) == ["Ignore", "expired", "revoked", "terminated"]


def test_a_retry_is_an_attempt_with_the_error_that_caused_it(site: Site) -> None:
    flaky = [run for run in site.runs() if run["job"] == "tests.flaky"]
    assert Counter(run["attempt"] for run in flaky) == {1: 2, 2: 2, 3: 2, 4: 1}
    assert {run["error"]["type"] for run in flaky if run["error"]} == {"OSError"}
    retrying = [fact for fact in site.facts() if fact["type"] == "task.retrying"]
    assert len(retrying) == 5
    assert all(fact["data"]["eta"] > fact["time"] for fact in retrying)


def test_limits_are_recorded_with_the_start(site: Site) -> None:
    limits = {
        fact["job"]: fact["data"].get("timeout_ms")
        for fact in site.facts()
        if fact["type"] == "task.started" and fact["job"] in {"tests.hard", "tests.soft"}
    }
    assert limits == {"tests.hard": 1000, "tests.soft": 1000}


def test_a_countdown_is_the_due_time(site: Site) -> None:
    facts = site.facts()
    started = {fact["task"]: fact["time"] for fact in facts if fact["type"] == "task.started"}
    waits = {run["task"]: run["wait_ms"] for run in site.runs()}
    etas = {
        fact["task"]: fact["data"]["eta"]
        for fact in facts
        if fact["type"] == "task.submitted" and fact["job"] == "tests.ok" and "eta" in fact.get("data", {})
    }
    assert len(etas) == 2
    assert len(etas.keys() & started.keys()) == 1  # the other one was revoked
    for task in etas.keys() & started.keys():
        late = datetime.fromisoformat(started[task]) - datetime.fromisoformat(etas[task])
        assert waits[task] == pytest.approx(late.total_seconds() * 1000, abs=0.01)


def test_a_child_task_names_the_run_that_sent_it(site: Site) -> None:
    facts = site.facts()
    (outer,) = [fact for fact in facts if fact["type"] == "task.started" and fact["job"] == "tests.parent"]
    (step,) = [fact for fact in facts if fact["type"] == "task.started" and fact["job"] == "step"]
    assert step["data"]["parent"] == {"task": outer["task"], "run": outer["run"]}
    assert (step["worker"], step["boot"]) == (outer["worker"], outer["boot"])
    (sent,) = [
        fact
        for fact in facts
        if fact["type"] == "task.submitted" and fact.get("data", {}).get("parent", {}).get("run") == step["run"]
    ]
    (started,) = [fact for fact in facts if fact["type"] == "task.started" and fact["task"] == sent["task"]]
    assert started["data"]["parent"] == {"task": outer["task"]}


def test_progress_and_outputs_of_a_task_are_those_of_its_run(site: Site) -> None:
    measured = [fact for fact in site.facts() if fact.get("job") == "tests.measured"]
    said = [fact["data"] for fact in measured if fact["type"] in {"task.progress", "task.output"}]
    assert said == [{"progress": 0.25}, {"outputs": 3}]


def test_no_arguments_are_recorded_unless_asked_for(site: Site) -> None:
    assert not [fact for fact in site.facts() if "args" in fact.get("data", {})]


def test_the_worker_is_one_boot_with_its_pool_and_goes(site: Site) -> None:
    facts = [fact for fact in site.facts() if fact["type"].startswith("worker.") and fact["worker"].startswith("w1@")]
    assert len({fact["boot"] for fact in facts}) == 1
    assert [facts[0]["type"], facts[-1]["type"]] == ["worker.online", "worker.offline"]
    assert facts[0]["data"]["host"] == os.uname().nodename
    told = [fact["data"] for fact in facts if "pool" in fact.get("data", {})]
    assert told[0]["pool"] == "prefork"
    assert [name.partition(".")[2] for name in told[0]["queues"]] == ["default"]
    sizes = [fact["data"]["concurrency"] for fact in facts if "concurrency" in fact.get("data", {})]
    assert sizes[0] == 2
    assert max(sizes) == 4  # autoscaled, and dated
    runs = [fact for fact in site.facts() if fact["type"] == "task.started"]
    assert {(fact["worker"], fact["boot"]) for fact in runs} == {(facts[0]["worker"], facts[0]["boot"])}


def test_beat_is_a_scheduler_whose_jobs_have_a_next_run(site: Site) -> None:
    facts = site.facts()
    beat = [fact for fact in facts if fact["type"].startswith("worker.") and fact["worker"].startswith("beat@")]
    assert [beat[0]["type"], beat[-1]["type"]] == ["worker.online", "worker.offline"]
    assert beat[0]["data"]["role"] == "scheduler"
    registered = [fact for fact in facts if fact["type"] == "job.registered"]
    nightly = [fact["data"] for fact in registered if fact["job"] == "tests.nightly" and "next_run" in fact["data"]]
    assert nightly[0]["owner"] == "Platform"
    assert nightly[0]["category"] == "Nightly"
    assert "3600" in nightly[0]["schedule"] or "1.00 hour" in nightly[0]["schedule"]
    often = [fact for fact in registered if fact["job"] == "tests.ok"]
    assert len(often) > 3
    assert all(fact["data"]["next_run"] >= fact["time"][:19] for fact in often)


def test_the_log_holds_what_the_store_shows(site: Site) -> None:
    assert site.ask("verify")["differences"] == []


# --- children that are killed ---------------------------------------------------------------------------------------


def kills(folder: Path, prefix: str, tasks: int, every_s: float) -> None:
    """Have short tasks done by four children, one of which is killed at random again and again."""
    site = Site(folder, prefix, REDIS)
    try:
        worker = site.start("celery", "-A", APP, "worker", "-n", "k@%h", "-c", "4", *QUIET)
        send = f"from {APP} import *\nfor n in range({tasks}): ok.delay(seconds=0.02)"
        site.call(send)
        random = Random(7)
        wait_for(lambda: len(site.lines()) > 10)
        killed, due = 0, time.monotonic()

        def nearly_done() -> bool:
            nonlocal killed, due
            if time.monotonic() >= due:
                due += every_s
                with suppress(ProcessLookupError):
                    os.kill(random.choice(worker.children()), signal.SIGKILL)
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
        durations = sum(run["duration_ms"] for run in site.runs())
        assert [row["busy_ms"] for row in busy] == [pytest.approx(durations, abs=1)]
        assert site.ask("verify")["differences"] == []
    finally:
        site.close()


def test_children_that_are_killed_lose_their_run_and_nothing_else(tmp_path: Path) -> None:
    with redis_prefix() as prefix:
        kills(tmp_path, prefix, tasks=60, every_s=0.3)


@pytest.mark.soak
def test_two_thousand_tasks_while_a_child_is_killed_every_two_seconds(tmp_path: Path) -> None:
    with redis_prefix() as prefix:
        kills(tmp_path, prefix, tasks=2000, every_s=2.0)


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
