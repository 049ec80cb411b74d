"""A real Prometheus scrapes, and the dashboard, the rules and the API speak of the same numbers."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus import Prometheus, promtool, require
from tests.server.conftest import TASKSCOPE, Server

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
QUIET = {"TaskscopeBehind", "TaskscopeDown", "TaskscopeSpoolWaits", "TaskscopeNamesRefused", "TaskscopeNoWorkers"}
"""Alerts whose causes can't be made beside a server that works; each is tried in rules.yml as well."""
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


class Scene:
    """A server that was told of all that can happen, and the Prometheus that scrapes it."""

    def __init__(self, server: Server, prometheus: Prometheus) -> None:
        self.server = server
        self.prometheus = prometheus

    def api(self, path: str, **parameters: Any) -> Any:
        answer = self.server.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


def a_run(task: str, end_ms: float, outcome: str, job: str = "resize", queue: str = "images") -> list[dict[str, Any]]:
    names = {"task": task, "job": job, "queue": queue, "service": "shop"}
    there = {**names, "worker": "w1", "boot": "b1", "run": f"r-{task}"}
    length_ms = 150 + 40 * (len(task) + sum(map(ord, task)) % 7)
    return [
        {"type": "task.submitted", "time": end_ms - length_ms - 700, **names},
        {"type": "task.started", "time": end_ms - length_ms, **there},
        {"type": f"task.{outcome}", "time": end_ms, "duration_ms": length_ms, **there},
    ]


def early(now_ms: float) -> list[dict[str, Any]]:
    """List what happened before Prometheus looked for the first time."""
    facts: list[dict[str, Any]] = []
    for number in range(12):
        facts += a_run(
            f"old{number}", now_ms - 20 * MINUTE_MS - number * 1000, "failed" if number == 3 else "succeeded"
        )
    about = {"owner": 'Media "Team"', "category": "Pictures", "job_name": "Resize\nthem"}
    late = {"owner": "Ops", "category": "Nightly", "next_run": now_ms - HOUR_MS}
    facts += [
        {"type": "job.registered", "job": "resize", "data": about},
        {"type": "job.registered", "job": "nightly", "data": late},
        {"type": "worker.heartbeat", "worker": "w1", "boot": "b1", "data": {"ttl_ms": HOUR_MS, "concurrency": 4}},
        {"type": "worker.heartbeat", "worker": "w2", "boot": "b2", "data": {"ttl_ms": HOUR_MS, "queues": ["images"]}},
        {"type": "worker.heartbeat", "worker": "w3", "boot": "b3", "time": now_ms - HOUR_MS / 2, "data": {}},
        {"type": "task.submitted", "task": "stuck", "job": "resize", "queue": "videos", "time": now_ms - 2 * HOUR_MS},
        {"type": "task.submitted", "task": "fresh", "job": "resize", "queue": "images", "time": now_ms - 5000},
    ]
    # They live on beyond the test, so that the last full minute says the same whenever it is.
    for worker, boot in (("w1", "b1"), ("w2", "b2")):
        for minute in (-10, -5, 5):
            time_ms = now_ms + minute * MINUTE_MS
            data = {"ttl_ms": HOUR_MS}
            facts.append({"type": "worker.heartbeat", "worker": worker, "boot": boot, "time": time_ms, "data": data})
    open_run = {"job": "watch", "queue": "images", "worker": "w1", "boot": "b1", "run": "open"}
    facts.append({"type": "task.started", "task": "watch", "time": now_ms - 9 * MINUTE_MS, **open_run})
    hung = {"job": "resize", "queue": "images", "worker": "w3", "run": "hung", "data": {"timeout_ms": 1000}}
    facts.append({"type": "task.started", "task": "hung", "time": now_ms - 40 * MINUTE_MS, **hung})
    return [{"time": now_ms, "service": "shop", **fact} for fact in facts]


def late(now_ms: float) -> list[dict[str, Any]]:
    """List what happens while Prometheus looks."""
    facts: list[dict[str, Any]] = []
    for number in range(16):
        facts += a_run(f"new{number}", now_ms - number * 10, "failed" if number % 3 == 0 else "succeeded")
    gap = {"type": "spool.gap", "time": now_ms, "service": "shop", "data": {"dropped": 5, "class": "task"}}
    ahead = {"type": "task.started", "time": now_ms + HOUR_MS, "task": "ahead", "service": "shop"}
    return [*facts, facts[0], gap, ahead]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    require()
    folder = tmp_path_factory.mktemp("prometheus")
    os.environ["TASKSCOPE_SWEEP_INTERVAL_S"] = "0.5"
    try:
        server = Server(folder / "home")
    finally:
        del os.environ["TASKSCOPE_SWEEP_INTERVAL_S"]
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text("utf-8"))
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(DEPLOY / name) for name in config["rule_files"]]
    for job in config["scrape_configs"]:
        job.pop("scrape_interval", None)
        del job["authorization"]
        job["static_configs"] = [{"targets": [server.ready["url"].removeprefix("http://")]}]
    answer = server.client.post("/api/v1/events", json=early(time.time() * 1000)).json()
    assert answer["rejected"] == []
    prometheus = Prometheus(folder / "prometheus", config)
    try:
        prometheus.wait_for('taskscope_runs_inferred{outcome="timed_out", job="resize"} == 1')
        prometheus.wait_for("count_over_time(taskscope_gap_facts_total[1m]) > 1")
        prometheus.wait_for("scheduler_job_success_total")
        answer = server.client.post("/api/v1/events", json=late(time.time() * 1000)).json()
        assert (answer["duplicates"], len(answer["rejected"])) == (1, 1)
        damage(server.home)
        prometheus.wait_for("taskscope_verify_differences > 0")
        prometheus.wait_for('taskscope_runs_finished_total{job="resize", outcome="succeeded"} == 21')
        prometheus.wait_for('increase(taskscope_runs_finished_total{job="resize", outcome="failed"}[15m]) > 0')
        prometheus.wait_for(
            "increase(taskscope_facts_refused_total[1h]) or count_over_time(taskscope_facts_refused_total[1m]) > 1"
        )
        yield Scene(server, prometheus)
    finally:
        prometheus.stop()
        server.stop()


def damage(home: Path) -> None:
    """Make the store differ from its facts, where no figure of this test looks, and let `verify` find it."""
    with sqlite3.connect(home / "taskscope.db", timeout=30) as store:
        store.execute("UPDATE task SET state = 'COMPLETED' WHERE task = 'hung'")
    store.close()
    done = subprocess.run([TASKSCOPE, "verify", "--home", home, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr


def test_promtool_finds_nothing_but_what_the_names_of_schedulers_force(scene: Scene) -> None:
    said = promtool("check", "metrics", given=scene.server.client.get("/metrics").content)
    assert said == (0, "")
    _, text = promtool(
        "check", "metrics", given=scene.server.client.get("/api/v1/scheduler/metrics/prometheus").content
    )
    assert {line.split(" ", 1)[1] for line in text.splitlines()} == {
        "metric names should not contain abbreviated units"
    }


def test_promtool_finds_nothing_in_rules_and_configuration() -> None:
    require()
    assert promtool("check", "rules", DEPLOY / "prometheus-rules.yml")[0] == 0
    assert promtool("check", "config", "--syntax-only", DEPLOY / "prometheus.yml")[0] == 0


def test_each_alert_fires_when_it_should_and_never_on_a_good_day() -> None:
    require()
    code, said = promtool("test", "rules", Path(__file__).with_name("rules.yml"))
    assert code == 0, said
    tried = yaml.safe_load(Path(__file__).with_name("rules.yml").read_text("utf-8"))
    fired = {
        sample["labels"] for test in tried["tests"] for one in test["promql_expr_test"] for sample in one["exp_samples"]
    }
    assert fired == {f'{{alertname="{rule["alert"]}"}}' for rule in rules()}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_rule_returns_data(scene: Scene) -> None:
    silent = {rule["alert"] for rule in rules() if not scene.prometheus.query(rule["expr"])}
    assert silent <= QUIET
    for rule in rules():
        if rule["alert"] in silent:  # what it compares is there, and all is well
            compared = re.sub(r" (>|<|>=|<=|==) ", r" \1 bool ", rule["expr"])
            assert scene.prometheus.query(compared), rule["alert"]


def panels() -> list[tuple[str, str]]:
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))
    return [(panel["title"], one["expr"]) for panel in dashboard["panels"] for one in panel.get("targets", ())]


def test_every_query_of_the_dashboard_returns_data(scene: Scene) -> None:
    assert len(panels()) > 30
    empty = []
    for title, expression in panels():
        asked = expression.replace("$__rate_interval", "5m").replace("$__range", "6h")
        asked = re.sub(r"\$(service|queue|job)\b", ".*", asked)
        assert "$" not in asked
        if not scene.prometheus.query(asked):
            empty.append((title, asked))
    assert empty == []


def test_every_variable_of_the_dashboard_has_values(scene: Scene) -> None:
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
            assert found
            series = found[1].replace("$service", ".*")
            assert scene.prometheus.ask(f"/label/{found[2]}/values", **{"match[]": series}), variable["name"]


def test_the_numbers_are_those_of_the_api(scene: Scene) -> None:
    ask = scene.prometheus.value
    of_job = scene.api("/api/v1/stats", job="resize")
    for outcome in ("succeeded", "failed", "cancelled", "lost"):
        seen = ask(f'taskscope_runs_finished_total{{job="resize", queue="images", outcome="{outcome}"}}')
        assert seen == of_job[outcome], outcome
    assert of_job["timed_out"] == 1  # inferred, and so no counter
    assert ask('taskscope_runs_finished_total{job="resize", queue="images", outcome="timed_out"}') == 0
    assert ask('sum(taskscope_submissions_total{job="resize"})') == of_job["submitted"]
    for outcome in ("succeeded", "failed"):
        block, labels = of_job[f"duration_ms_{outcome}"], f'{{job="resize", outcome="{outcome}"}}'
        assert ask(f"taskscope_run_duration_seconds_count{labels}") == block["count"]
        total = block["count"] * block["avg"] / 1000
        assert ask(f"taskscope_run_duration_seconds_sum{labels}") == pytest.approx(total)
    assert ask('taskscope_run_wait_seconds_count{job="resize"}') == of_job["wait_ms"]["count"]


def test_queues_are_those_of_the_api(scene: Scene) -> None:
    queues = scene.api("/api/v1/queues", service="shop")["items"]
    assert {queue["queue"] for queue in queues} == {"images", "videos"}
    for queue in queues:
        for name, field in (
            ("depth", "depth"),
            ("running", "running"),
            ("limit", "limit"),
            ("stuck", "stuck"),
            ("workers_present", "workers"),
        ):
            seen = scene.prometheus.value(f'taskscope_queue_{name}{{queue="{queue["queue"]}"}}')
            assert seen == queue[field], (queue["queue"], name)
        oldest = scene.prometheus.value(f'taskscope_queue_oldest_waiting_seconds{{queue="{queue["queue"]}"}}')
        assert oldest == pytest.approx(queue["oldest_waiting_ms"] / 1000, abs=10)
    assert [queue["use"] for queue in queues] == [0.25, None]


def test_workers_are_those_of_the_api(scene: Scene) -> None:
    there = scene.api("/api/v1/workers", present="true")["items"]
    gone = scene.api("/api/v1/workers", present="false")["items"]
    assert ([one["worker"] for one in there], [one["worker"] for one in gone]) == (["w1", "w2"], ["w3"])
    assert scene.prometheus.value('taskscope_workers_present{service="shop"}') == len(there)
    assert scene.prometheus.value('taskscope_workers_vanished{service="shop"}') == len(gone)
    minute_ms = time.time() * 1000 // MINUTE_MS * MINUTE_MS - 3 * MINUTE_MS  # of a minute without ends of runs
    window = {"from": minute_ms, "to": minute_ms + MINUTE_MS, "queue": "images"}
    [bucket] = scene.api("/api/v1/utilization", **window)["buckets"]
    of_queue = '{queue="images", service="shop"'
    assert (
        scene.prometheus.value(f'taskscope_queue_workers{of_queue}, state="active"}}') == bucket["active_workers"] == 1
    )
    assert scene.prometheus.value(f'taskscope_queue_workers{of_queue}, state="idle"}}') == bucket["idle_workers"] == 1
    seen = scene.prometheus.value(f"taskscope_queue_utilization_ratio{of_queue}}}")
    assert seen == pytest.approx(bucket["avg_utilization"], rel=0.2)  # runs of its own minute come on top


def test_the_names_of_schedulers_give_the_numbers_of_their_json(scene: Scene) -> None:
    found = scene.api("/api/v1/scheduler/metrics")["data"]["metrics"]
    [job] = [one for one in found if one["job_id"] == "resize"]
    labels = '{job_id="resize"}'
    assert scene.prometheus.value(f"scheduler_job_success_total{labels}") == job["success_count"]
    # One of them is only inferred: it may be taken back, so it is in no counter.
    assert scene.prometheus.value(f"scheduler_job_failure_total{labels}") == job["failure_count"] - 1
    for name in ("avg", "p50", "p95", "p99", "min", "max"):
        seen = scene.prometheus.value(f"scheduler_job_duration_{name}_ms{labels}")
        assert seen == pytest.approx(job[f"{name}_duration_ms"]), name


def test_taskscope_tells_of_itself(scene: Scene) -> None:
    ask = scene.prometheus.value
    assert ask("taskscope_facts_duplicates_total") == 1
    assert ask('taskscope_facts_refused_total{reason="future"}') == 1
    assert ask('taskscope_gap_facts_total{class="task"}') == 5
    assert ask("taskscope_verify_differences") == 1
    assert 0 <= (ask("time() - taskscope_sweep_mark_timestamp_seconds") or 0) < 20
    assert (ask("taskscope_store_size_bytes") or 0) >= (scene.server.home / "taskscope.db").stat().st_size
    assert (
        ask('taskscope_job_info{job="resize", job_name="Resize\\nthem", owner="Media \\"Team\\"", category="Pictures"}')
        == 1
    )
