"""The scheduler's paths answer with every field that their readers know, and Prometheus reads them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.conftest import Server

NOW_MS = time.time() * 1000
DURATIONS_MS = [100.0, 250.5, 80.25, 1200.0, 400.0]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Give a client of a server that was told of one scheduler and three jobs."""
    server = Server(tmp_path_factory.mktemp("scheduler") / "home")
    facts: list[dict[str, Any]] = [
        {
            "type": "job.registered",
            "job": "calculate_project_health",
            "service": "pm",
            "data": {
                "job_name": "计算项目健康度",
                "owner": 'Backend "Platform"',
                "category": "Project Health",
                "schedule": "0 * * * *",
                "description": "every hour",
                "next_run": NOW_MS + 60_000,
                "paused": True,
            },
        },
        {"type": "job.registered", "job": "never_ran", "service": "pm", "data": {"owner": "nobody"}},
        {
            "type": "worker.heartbeat",
            "worker": "main",
            "boot": "b1",
            "service": "pm",
            "data": {"role": "scheduler", "ttl_ms": 3_600_000},
        },
        {
            "type": "worker.heartbeat",
            "worker": "old",
            "boot": "b0",
            "service": "pm",
            "time": NOW_MS - 3_600_000,
            "data": {"role": "scheduler"},
        },
        {
            "type": "worker.heartbeat",
            "worker": "w",
            "boot": "b2",
            "service": "pm",
            "data": {"concurrency": 4, "ttl_ms": 3_600_000},
        },
    ]
    for number, duration in enumerate(DURATIONS_MS):
        outcome = "failed" if number == 1 else "timed_out" if number == 2 else "succeeded"
        facts += run(f"t{number}", "calculate_project_health", NOW_MS - 100_000 + number * 5000, duration, outcome)
    facts += run("c", "calculate_project_health", NOW_MS - 9000, 5, "cancelled")
    facts += run("u", "only_seen", NOW_MS - 50_000, 70, "succeeded")
    answer = server.client.post("/api/v1/events", json=[{"time": NOW_MS, **fact} for fact in facts]).json()
    assert answer["rejected"] == []
    yield server.client
    server.stop()


def run(task: str, job: str, start_ms: float, duration_ms: float, outcome: str) -> list[dict[str, Any]]:
    names = {"task": task, "job": job, "service": "pm", "worker": "w", "boot": "b2", "run": f"r-{task}"}
    return [
        {"type": "task.started", "time": start_ms, **names},
        {"type": f"task.{outcome}", "time": start_ms + duration_ms, "duration_ms": duration_ms, **names},
    ]


def data(client: httpx.Client, path: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/scheduler/{path}")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["code"], body["message"]) == (200, "success")
    found: dict[str, Any] = body["data"]
    return found


def test_metrics_have_every_field_and_equal_an_independent_computation(told: httpx.Client) -> None:
    found = data(told, "metrics")
    assert found["total"] == 3
    job, never, seen = found["metrics"]
    values = [*DURATIONS_MS, 5.0]
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    assert job == {
        "job_id": "calculate_project_health",
        "job_name": "计算项目健康度",
        "owner": 'Backend "Platform"',
        "category": "Project Health",
        "success_count": 3,
        "failure_count": 2,
        "total_runs": 5,
        "success_rate": 0.6,
        "avg_duration_ms": pytest.approx(np.mean(values)),
        "p50_duration_ms": pytest.approx(p50),
        "p95_duration_ms": pytest.approx(p95),
        "p99_duration_ms": pytest.approx(p99),
        "min_duration_ms": 5,
        "max_duration_ms": 1200,
        "sample_count": 6,
        "last_status": "cancelled",
        "last_timestamp": job["last_timestamp"],
        "last_duration_ms": 5,
    }
    assert (never["job_id"], never["total_runs"], never["last_status"]) == ("never_ran", 0, None)
    assert (never["avg_duration_ms"], never["success_rate"]) == (None, None)
    assert (seen["job_id"], seen["job_name"], seen["owner"]) == ("only_seen", "only_seen", None)


def test_the_sample_is_a_choice_of_the_reader(told: httpx.Client) -> None:
    job = data(told, "metrics?sample=2&job=calculate_project_health")["metrics"][0]
    assert (job["sample_count"], job["max_duration_ms"], job["min_duration_ms"]) == (2, 400, 5)


def test_jobs_show_what_is_registered(told: httpx.Client) -> None:
    found = data(told, "jobs")
    job, never, seen = found["jobs"]
    assert found["total"] == 3
    wanted = {"schedule": "0 * * * *", "description": "every hour", "paused": True, "enabled": True}
    assert job.items() >= (wanted | {"last_status": "cancelled", "registered": True}).items()
    assert job["next_run"].endswith("Z")
    assert (never["last_run"], never["last_status"], never["owner"]) == (None, None, "nobody")
    assert (seen["registered"], seen["last_status"]) == (False, "success")


def test_schedulers_run_while_their_heartbeats_last(told: httpx.Client) -> None:
    found = data(told, "status")
    assert (found["running"], found["jobs"]) == (True, 2)
    assert [(one["name"], one["running"], one["jobs"]) for one in found["schedulers"]] == [
        ("main", True, 2),
        ("old", False, 2),
    ]


def test_services_are_listed_with_their_workers(told: httpx.Client) -> None:
    found = data(told, "services/list")
    [service] = found["services"]
    assert found["total"] == 1
    assert (service["service"], service["workers"], service["jobs"]) == ("pm", 2, 3)
    assert service["last_seen"].endswith("Z")


def test_prometheus_reads_the_text_and_finds_the_numbers_of_the_json(told: httpx.Client) -> None:
    answer = told.get("/api/v1/scheduler/metrics/prometheus")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    jobs = {job["job_id"]: job for job in data(told, "metrics")["metrics"]}
    fields = {"scheduler_job_success": "success_count", "scheduler_job_failure": "failure_count"}
    fields |= {f"scheduler_job_duration_{name}_ms": f"{name}_duration_ms" for name in ("avg", "p50", "p95", "p99")}
    fields |= {f"scheduler_job_duration_{name}_ms": f"{name}_duration_ms" for name in ("min", "max")}
    fields |= {"scheduler_job_last_duration_ms": "last_duration_ms"}
    for name, field in fields.items():
        found = {sample.labels["job_id"]: sample.value for sample in families[name].samples}
        assert found == {job: jobs[job][field] for job in ("calculate_project_health", "only_seen")}, name
    assert "scheduler_job_success_total{" in answer.text
    [stamp] = [
        sample
        for sample in families["scheduler_job_last_run_timestamp"].samples
        if sample.labels["job_id"] == "calculate_project_health"
    ]
    assert stamp.value == pytest.approx((NOW_MS - 9000 + 5) / 1000, abs=0.001)
    assert stamp.labels == {
        "job_id": "calculate_project_health",
        "job_name": "计算项目健康度",
        "owner": 'Backend "Platform"',
        "category": "Project Health",
    }


def test_errors_keep_the_wrapping(told: httpx.Client) -> None:
    answer = told.get("/api/v1/scheduler/metrics?sample=0")
    assert answer.status_code == 400
    assert answer.json().keys() == {"code", "message", "data"}
    assert (answer.json()["code"], answer.json()["data"]) == (400, None)
    assert told.get("/api/v1/scheduler/metrics", headers={"host": "evil.example"}).json()["code"] == 403


def test_the_monitor_speaks_in_percent(told: httpx.Client) -> None:
    found = told.get("/api/monitor/stats").json()
    assert found.items() >= {"active_tasks": 0, "total_tasks": 7, "tasks_completed": 4, "max_concurrent": 4}.items()
    assert found["success_rate"] == pytest.approx(100 * 4 / 6)


def test_an_empty_store_is_zero_for_the_monitor_and_empty_for_the_scheduler(tmp_path: Path) -> None:
    server = Server(tmp_path / "home")
    try:
        assert set(server.client.get("/api/monitor/stats").json().values()) == {0}
        assert data(server.client, "metrics") == {"total": 0, "metrics": []}
        assert data(server.client, "status") == {"running": False, "jobs": 0, "schedulers": []}
    finally:
        server.stop()
