"""Celery with real brokers and workers: what Taskscope says is what the tasks wrote into a file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.integrations.processes import REDIS, Site, by_file, by_taskscope, redis_prefix, wait_for

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
    assert [name.partition(".")[2] for name in facts[0]["data"]["queues"]] == ["default"]
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
