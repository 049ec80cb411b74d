"""APScheduler in a process of its own: what Taskscope says is what the jobs, and APScheduler itself, wrote down."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.integrations.processes import DEADLINE_S, Site

APP = "tests.integrations.apscheduler_app"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give an application whose schedulers have come and gone."""
    site = Site(tmp_path_factory.mktemp("apscheduler"), "", "")
    try:
        for process in [site.start(APP, "threads"), site.start(APP, "loop")]:
            assert process.process.wait(DEADLINE_S) == 0, process.log.read_text()
        yield site
    finally:
        site.close()


def job(run: dict[str, str]) -> str:
    """Name a job as the account does: the one without an id goes by its function."""
    return "unnamed" if run["job"].endswith(":ok") else run["job"]


def test_every_run_ended_as_its_job_wrote_down(site: Site) -> None:
    written = Counter(
        (line["job"], line["what"]) for line in site.lines() if line["what"] in {"succeeded", "failed", "lost"}
    )
    found = Counter((job(run), run["outcome"]) for run in site.runs() if run["started_at"])
    assert found == written
    assert {what for _, what in written} == {"succeeded", "failed", "lost"}


def test_what_apscheduler_skips_is_cancelled_with_the_reason(site: Site) -> None:
    told = Counter(line["what"] for line in site.lines() if line["what"] in {"missed", "max_instances"})
    cancelled = [fact for fact in site.facts() if fact["type"] == "task.cancelled"]
    assert Counter(fact["data"]["reason"] for fact in cancelled) == told
    assert told["missed"] == 1
    assert told["max_instances"] > 3
    runs = [run for run in site.runs() if run["outcome"] == "cancelled"]
    assert {run["started_at"] for run in runs} == {None}
    assert site.ask("stats")["pending"] == 0


def test_a_slot_is_a_task_and_its_wait_is_how_late_it_began(site: Site) -> None:
    facts = site.facts()
    due = {fact["task"]: fact["data"]["eta"] for fact in facts if fact["type"] == "task.submitted"}
    assert all(re.fullmatch(r".+@\d{4}-\d\d-\d\dT[\d:.]+Z", task) for task in due)
    behind = sorted(task for task in due if task.startswith("behind@"))
    assert len(behind) >= 3  # the slots of its first 25 seconds, and mostly the one that follows
    waits = {run["task"]: run["wait_ms"] for run in site.runs()}
    assert [25_000 < waits[behind[0]] < 60_000, 15_000 < waits[behind[1]] < 50_000] == [True, True]
    assert waits[behind[0]] - waits[behind[1]] == pytest.approx(10_000, abs=3_000)
    assert all(waits[run["task"]] is not None for run in site.runs() if run["started_at"])


def test_runs_belong_to_the_scheduler_wherever_they_run(site: Site) -> None:
    facts = [fact for fact in site.facts() if fact["service"] == "shop"]
    (online,) = [fact for fact in facts if fact["type"] == "worker.online"]
    assert online["data"]["role"] == "scheduler"
    assert online["data"]["concurrency"] == 10
    assert online["data"]["queues"] == ["default", "far"]
    assert facts[-1]["type"] == "worker.offline"
    started = [fact for fact in facts if fact["type"] == "task.started"]
    assert {(fact["worker"], fact["boot"]) for fact in started} == {(online["worker"], online["boot"])}
    assert {fact["queue"] for fact in started} == {"default", "far"}


def test_outputs_reach_the_run_in_threads_and_processes(site: Site) -> None:
    outputs = {fact["job"] for fact in site.facts() if fact["type"] == "task.output" and fact["service"] == "shop"}
    assert {"one", "far-ok", "behind"} <= outputs


def test_jobs_are_registered_with_owner_category_schedule_and_next_run(site: Site) -> None:
    jobs: dict[str, dict[str, object]] = {}
    for fact in site.facts():
        if fact["type"] == "job.registered" and fact["service"] == "shop":
            jobs.setdefault(fact["job"], {}).update(fact["data"])
    nightly = jobs["nightly"]
    assert (nightly["owner"], nightly["category"]) == ("Backend Platform", "Project Health")
    assert nightly["job_name"] == "Calculate project health"
    assert nightly["schedule"] == "cron[hour='2']"
    assert str(nightly["next_run"]).endswith("T02:00:00.000Z")
    assert (nightly["enabled"], nightly["paused"]) == (True, False)
    assert (jobs["asleep"]["paused"], jobs["asleep"]["next_run"]) == (True, None)
    assert (jobs["removed"]["enabled"], jobs["removed"]["next_run"]) == (False, None)
    assert not [name for name in jobs if re.fullmatch("[0-9a-f]{32}", name)]


def test_the_log_holds_what_the_store_shows(site: Site) -> None:
    assert site.ask("verify")["differences"] == []
