"""RQ with a real Redis and real workers: what Taskscope says is what the jobs wrote into a file."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integrations.processes import REDIS, Site, redis_prefix, wait_for

APP = "tests.integrations.rq_app"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give an application whose worker has done one of each kind of work and has ended."""
    with redis_prefix() as prefix:
        site = Site(tmp_path_factory.mktemp("rq"), prefix, REDIS)
        try:
            cron = site.start("rq.cli", "cron", "tests.integrations.rq_cron", "-u", REDIS)
            worker = site.start(
                "rq.cli",
                "worker",
                "-c",
                APP,
                "-u",
                REDIS,
                "--name",
                f"{prefix}-w",
                "--with-scheduler",
                f"{prefix}.default",
            )
            work(site)
            site.exits = [cron.stop(), worker.stop()]  # type: ignore[attr-defined]
            yield site
        finally:
            site.close()


def work(site: Site) -> None:
    """Have each kind of work done."""
    site.call(
        f"""
from datetime import timedelta
import time
from rq.command import send_stop_job_command
from {APP} import *

here = queue()
for n in range(15):
    here.enqueue(ok, job_id=f"{{PREFIX}}-ok{{n}}")
for n, (function, args, more) in enumerate((
    (fail, (), {{}}),
    (flaky, (2,), {{"retry": Retry(max=3)}}),
    (flaky, (9,), {{"retry": Retry(max=2, interval=2)}}),
    (asks, (2,), {{}}),
    (hang, ("timed_out",), {{"job_timeout": 1}}),
    (suicide, (), {{}}),
    (unlucky, (), {{"on_success": refuse}}),
    (parent, (), {{}}),
)):
    here.enqueue(function, *args, job_id=f"{{PREFIX}}-{{n}}", **more)
here.enqueue_in(timedelta(seconds=2), ok, job_id=f"{{PREFIX}}-later")
cancelled = here.enqueue_in(timedelta(seconds=600), ok, job_id=f"{{PREFIX}}-cancelled")
cancelled.cancel()
queue(is_async=False).enqueue(ok, job_id=f"{{PREFIX}}-sync")
queue(is_async=False).enqueue(fail, job_id=f"{{PREFIX}}-syncfail")
first = here.enqueue(ok, job_id=f"{{PREFIX}}-first")
here.enqueue(ok, job_id=f"{{PREFIX}}-second", depends_on=first)
stopped = here.enqueue(hang, "cancelled", job_id=f"{{PREFIX}}-stopped")
for _ in range(300):
    if "-stopped" in ACCOUNT.read_text() and '"cancelled"' in ACCOUNT.read_text():
        break
    time.sleep(0.1)
send_stop_job_command(here.connection, stopped.id)
"""
    )
    wait_for(
        lambda: (
            all(run["state"] in {"COMPLETED", "FAILED"} for run in site.runs() if "unserved" not in run["queue"])
            and sum(run["job"] == f"{APP}.flaky" for run in site.runs()) == 6
        ),
        "all jobs end",
    )


def by_file(site: Site) -> dict[str, list[str]]:
    """Give how each job's attempts ended, in order, as they wrote it down."""
    found: dict[str, list[str]] = {}
    for line in site.lines():
        if line["what"] != "start":
            found.setdefault(line["task"], []).append(line["what"])
    return found


def test_every_attempt_ended_as_its_job_wrote_down(site: Site) -> None:
    found: dict[str, list[str]] = {}
    for run in sorted((run for run in site.runs() if run["started_at"]), key=lambda run: str(run["started_at"])):
        found.setdefault(run["task"], []).append(run["outcome"])
    assert found == by_file(site)
    assert {outcome for ends in found.values() for outcome in ends} == {
        "succeeded",
        "failed",
        "timed_out",
        "cancelled",
        "lost",
    }


def test_worker_and_cron_end_as_they_would_without_taskscope(site: Site) -> None:
    assert site.exits == [0, 0]  # type: ignore[attr-defined]


def test_retries_count_as_attempts_and_the_last_one_fails(site: Site) -> None:
    runs = site.runs()
    for number, attempts in (("1", [1, 2, 3]), ("2", [1, 2, 3]), ("3", [1, 2, 3])):
        assert sorted(run["attempt"] for run in runs if run["task"].endswith(f"-{number}")) == attempts
    retrying = [fact for fact in site.facts() if fact["type"] == "task.retrying"]
    assert len(retrying) == 6
    assert Counter(fact["data"].get("error", {}).get("type") for fact in retrying) == {"OSError": 4, None: 2}
    failed = {run["error"]["type"] for run in runs if run["outcome"] == "failed" and run["error"]}
    assert failed == {"ValueError", "OSError", "KeyError"}


def test_each_attempt_was_submitted_once_with_its_queue_and_waited(site: Site) -> None:
    facts = [fact for fact in site.facts() if fact["type"] == "task.submitted"]
    assert max(Counter((fact["task"], fact["attempt"]) for fact in facts).values()) == 1
    assert all(run["wait_ms"] is not None for run in site.runs() if run["started_at"])
    assert site.ask("stats")["skewed"] == 0
    due = [fact for fact in facts if "eta" in fact.get("data", {})]
    assert len(due) == 4  # later, cancelled, and two retries
    assert all(fact["data"]["eta"] > fact["time"] for fact in due)


def test_a_job_that_is_cancelled_while_it_waits_never_runs(site: Site) -> None:
    (run,) = [run for run in site.runs() if run["task"].endswith("-cancelled")]
    assert (run["outcome"], run["started_at"]) == ("cancelled", None)


def test_limits_progress_and_parents_are_recorded(site: Site) -> None:
    facts = site.facts()
    started = {fact["task"].rpartition("-")[2]: fact for fact in facts if fact["type"] == "task.started"}
    assert started["4"]["data"]["timeout_ms"] == 1000
    assert started["ok0"]["data"]["timeout_ms"] == 180_000  # RQ's own default
    assert [fact["data"]["progress"] for fact in facts if fact["type"] == "task.progress"][:3] == [0.5, 0.5, 0.5]
    (child,) = [fact for fact in facts if fact["type"] == "task.submitted" and fact["task"].endswith("-child")]
    assert child["data"]["parent"] == {"task": started["7"]["task"], "run": started["7"]["run"]}


def test_the_worker_is_one_boot_whatever_its_horses_do_and_goes(site: Site) -> None:
    facts = [fact for fact in site.facts() if fact["type"].startswith("worker.") and fact["worker"].endswith("-w")]
    assert len({fact["boot"] for fact in facts}) == 1
    assert [facts[0]["type"], facts[-1]["type"]] == ["worker.online", "worker.offline"]
    assert facts[0]["data"]["pool"] == "Worker"
    assert facts[0]["data"]["concurrency"] == 1
    assert [name.partition(".")[2] for name in facts[0]["data"]["queues"]] == ["default"]
    runs = [fact for fact in site.facts() if fact["type"] == "task.started" and "sync" not in fact["task"]]
    assert {fact["boot"] for fact in runs} == {facts[0]["boot"]}


def test_cron_is_a_scheduler_whose_jobs_have_a_next_run(site: Site) -> None:
    facts = site.facts()
    roles = [fact["data"].get("role") for fact in facts if fact["type"] == "worker.online"]
    assert roles.count("scheduler") == 1
    registered = [fact for fact in facts if fact["type"] == "job.registered"]
    nightly = [fact["data"] for fact in registered if fact["job"] == f"{APP}.nightly" and "schedule" in fact["data"]]
    assert nightly[0]["schedule"] == "0 2 * * *"
    assert nightly[0]["next_run"].endswith("T02:00:00.000Z")
    assert (nightly[0]["owner"], nightly[0]["category"]) == ("Platform", "Nightly")
    assert len([fact for fact in registered if fact["job"] == f"{APP}.ok"]) > 1
    queued = [run for run in site.runs() if "unserved" in run["queue"]]
    assert queued
    assert {run["state"] for run in queued} == {"PENDING"}


def test_the_log_holds_what_the_store_shows(site: Site) -> None:
    assert site.ask("verify")["differences"] == []


def test_a_worker_that_is_killed_loses_its_run(tmp_path: Path) -> None:
    with redis_prefix() as prefix:
        site = Site(tmp_path, prefix, REDIS)
        try:
            worker = site.start(
                "rq.cli", "worker", "-c", APP, "-u", REDIS, "--name", f"{prefix}-w", f"{prefix}.default"
            )
            site.call(f"from {APP} import *\nqueue().enqueue(hang, 'lost', job_id=f'{{PREFIX}}-hang')")
            wait_for(lambda: any(line["what"] == "lost" for line in site.lines()))
            (horse,) = {line["pid"] for line in site.lines()}
            worker.process.send_signal(signal.SIGKILL)
            worker.process.wait()
            os.kill(horse, signal.SIGKILL)
            assert [run["state"] for run in site.runs()] == ["PROCESSING"]
            site.ask("tick", "--at", (datetime.now(UTC) + timedelta(minutes=1)).isoformat())
            assert [(run["outcome"], run["inferred"]) for run in site.runs()] == [("lost", True)]
        finally:
            site.close()
