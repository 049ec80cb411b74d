"""The description of the API is a valid one, and every answer of a real server is what it says."""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.cli.facts import event, finished, ndjson

SERVICE = "described"
TASK = "a/b//c %2F 任务?#"
JOB = "draw/fast 100%"


@pytest.fixture(scope="module")
def told(server: Any) -> httpx.Client:
    """Give a client of a server that knows runs of every kind."""
    client: httpx.Client = server.client
    error = {"error": {"type": "ValueError", "message": "bad 1", "traceback": "in x"}, "labels": {"tenant": "a"}}
    names = {"service": SERVICE, "queue": "q", "worker": "w"}
    facts = [
        event("job.registered", "", 0, service=SERVICE, job=JOB, data={"owner": "o", "category": "Art"})
        | {"task": None},
        *finished(TASK, 5, 50, "failed", job=JOB, data=error, **names),
        *finished("ok", 20, 30, job=JOB, **names),
        event("task.submitted", "waits", 40, service=SERVICE),
        event("task.started", "runs", 45, **names),
        event("worker.heartbeat", "", 45, service=SERVICE, worker="s", boot="b", data={"role": "scheduler"})
        | {"task": None},
    ]
    answer = client.post("/api/v1/events", content=ndjson(facts), headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["rejected"] == []
    return client


@pytest.fixture(scope="module")
def document(told: httpx.Client) -> dict[str, Any]:
    answer: dict[str, Any] = told.get("/api/v1/openapi.json").json()
    return answer


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, found) for path, item in document["paths"].items() for method, found in item.items()]


def fault(document: dict[str, Any], schema: dict[str, Any], answer: Any) -> str | None:
    """Say where an answer is not what a schema says."""
    whole = {**schema, "components": document["components"]}
    error = next(Draft202012Validator(_closed(whole)).iter_errors(answer), None)
    return None if error is None else f"{list(error.absolute_path)}: {error.message[:300]}"


def _closed(schema: Any) -> Any:
    """Let objects hold nothing but what is described, so that a field that is not shows up."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(value) for key, value in schema.items()}
    if made.get("type") == "object" and "properties" in made:
        made["additionalProperties"] = False
    return made


def test_the_description_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_a_client_can_be_generated_from_it(document: dict[str, Any]) -> None:
    names = [found["operationId"] for _, _, found in operations(document)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+[A-Za-z]+", name) for name in names)
    assert {"getStats", "listRuns", "getTask", "listJobs", "getJob", "listFailures", "getHeatmap"} <= set(names)
    for path, _, found in operations(document):
        [(status, well)] = [(status, one) for status, one in found["responses"].items() if status.startswith("2")]
        for media, content in (well.get("content") or {}).items():
            assert media != "application/json" or content["schema"].keys() == {"$ref"}, f"{path} has no type"
        assert well.get("content") or status == "204"
        for one in found.get("parameters", []):
            assert one.get("description"), f"{path} {one['name']}"
            assert "null" not in str(one["schema"])
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        assert schema["description"] == cleandoc(schema["description"]), name


def test_errors_are_described_where_they_occur(document: dict[str, Any]) -> None:
    for path, method, found in operations(document):
        statuses = set(found["responses"])
        assert {"403", "405"} <= statuses
        assert ("404" in statuses) == ("{" in path)
        assert ("415" in statuses) == (path == "/api/v1/events")
        assert ("413" in statuses) == (method == "post")
        assert ("401" in statuses) == ("429" in statuses) == (path != "/api/v1/health")
        if any(one["in"] != "header" for one in found.get("parameters", [])):
            assert "400" in statuses


QUERIES = [
    "/api/v1/health",
    "/api/v1/stats",
    "/api/v1/stats?from=2026-01-08&to=2026-01-08",
    "/api/v1/utilization?from=2026-01-08T09:00:00Z&to=2026-01-08T09:02:00Z",
    "/api/v1/history",
    "/api/v1/history?from=2026-01-08&to=2026-01-08&step=1h",
    "/api/v1/percentiles",
    "/api/v1/percentiles?job=nobody",
    "/api/v1/runs",
    "/api/v1/runs?text=BAD&label=tenant:a&limit=1",
    "/api/v1/runs/" + "a%2Fb%2F%2Fc%20%252F%20%E4%BB%BB%E5%8A%A1%3F%23",
    "/api/v1/runs/waits",
    "/api/v1/runs/runs?facts=0",
    "/api/v1/jobs?from=2026-01-08&to=2026-01-08&category=Art",
    "/api/v1/jobs/draw%2Ffast%20100%25?from=2026-01-08&to=2026-01-08&step=1h",
    "/api/v1/failures?from=2026-01-08&to=2026-01-08",
    "/api/v1/failures",
    "/api/v1/heatmap?from=2026-01-08&to=2026-01-08",
    "/api/v1/queues",
    "/api/v1/queues?from=2026-01-08T09:00:00Z&to=2026-01-08T10:00:00Z",
    "/api/v1/workers?from=2026-01-08T09:00:00Z&to=2026-01-08T10:00:00Z",
    "/api/v1/self",
    "/api/v1/session",
    "/api/v1/tokens",
    "/api/v1/audit",
    "/api/monitor/stats",
    "/api/v1/scheduler/status",
    "/api/v1/scheduler/jobs",
    "/api/v1/scheduler/metrics",
    "/api/v1/scheduler/services/list",
]


CLOSED = ("/api/v1/session", "/api/v1/tokens", "/api/v1/audit")


def operation_of(document: dict[str, Any], query: str) -> dict[str, Any]:
    path = query.partition("?")[0]
    for known, item in document["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", ".+", known), path):
            found: dict[str, Any] = item["get"]
            return found
    raise AssertionError(path)


@pytest.mark.parametrize("query", QUERIES)
def test_every_answer_is_what_the_description_says(
    told: httpx.Client, document: dict[str, Any], query: str, server: Any
) -> None:
    admin = (server.home / "admin.token").read_text().strip()
    answer = told.get(query, headers={"Authorization": f"Bearer {admin}"} if query in CLOSED else {})
    assert answer.status_code == 200, answer.text
    content = operation_of(document, query)["responses"]["200"]["content"]
    assert fault(document, content["application/json"]["schema"], answer.json()) is None


def test_every_path_is_asked(document: dict[str, Any]) -> None:
    asked = {operation_of(document, query)["operationId"] for query in QUERIES}
    known = {found["operationId"] for _, method, found in operations(document) if method == "get"}
    assert known - asked == {"getSchedulerPrometheus", "getMetrics"}


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("/api/v1/runs/nobody", 404, ["task 'nobody'"]),
        ("/api/v1/jobs/nobody/at%2Fall", 404, ["job 'nobody/at/all'"]),
        ("/api/v1/runs/%FF", 400, ["UTF-8"]),
        ("/api/v1/runs?text=", 400, ["text"]),
        ("/api/v1/runs?text=" + "x" * 201, 400, ["text"]),
        ("/api/v1/runs?label=tenant", 400, ["key:value"]),
        ("/api/v1/jobs?limit=201", 400, ["limit", "200"]),
        ("/api/v1/jobs?cursor=abc", 400, ["cursor"]),
        ("/api/v1/jobs/ok?step=fast", 400, ["step"]),
        ("/api/v1/failures?buckets=0", 400, ["buckets"]),
        ("/api/v1/failures?cursor=WzFd", 400, ["cursor"]),
        ("/api/v1/failures?outcome=bad", 400, ["outcome"]),
        ("/api/v1/heatmap?thresholds=3,2,1", 400, ["rising"]),
        ("/api/v1/heatmap?thresholds=a", 400, ["three numbers"]),
        ("/api/v1/heatmap?from=2025-01-01&to=2025-12-31", 400, ["31 days"]),
        ("/api/v1/scheduler/jobs?job=", 400, ["empty"]),
        ("/api/v1/percentiles?last=null", 400, ["last", "leave it out"]),
        ("/api/v1/workers?present=true&present=null", 400, ["present", "leave it out"]),
        ("/api/v1/jobs/ok?sample=null", 400, ["sample", "leave it out"]),
    ],
)
def test_every_error_is_what_the_description_says(
    told: httpx.Client, document: dict[str, Any], query: str, status: int, words: list[str]
) -> None:
    answer = told.get(query)
    assert answer.status_code == status, answer.text
    [(media, content)] = operation_of(document, query)["responses"][str(status)]["content"].items()
    assert answer.headers["content-type"].partition(";")[0] == media
    assert fault(document, content["schema"], answer.json()) is None
    for word in words:
        assert word in answer.text


def test_a_task_is_found_by_any_id_in_any_spelling(told: httpx.Client) -> None:
    for path in ("a/b//c%20%252F%20任务%3F%23", "a%2Fb%2F%2Fc%20%252F%20%E4%BB%BB%E5%8A%A1%3F%23"):
        answer = told.get(f"/api/v1/runs/{path}", params={"service": SERVICE})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["task"], found["state"], found["runs"][0]["traceback"]) == (TASK, "FAILED", "in x")
        assert [one["type"] for one in found["facts"]] == ["task.submitted", "task.started", "task.failed"]
