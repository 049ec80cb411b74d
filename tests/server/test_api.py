"""The API of a real server. Each test has a service of its own, so that they share one server without meeting."""

import gzip
import json
from typing import Any

import httpx
import pytest
import zstandard

from tests.cli.facts import event, finished, ndjson

NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}
EVENTS = "/api/v1/events"


def post(client: httpx.Client, content: bytes, headers: dict[str, str]) -> httpx.Response:
    return client.post(EVENTS, content=content, headers=headers)


def problem(response: httpx.Response, status: int) -> str:
    """Check that a response is a problem document, and give its detail."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert set(document) == {"type", "title", "status", "detail"}
    assert document["status"] == status
    return str(document["detail"])


def get(client: httpx.Client, path: str, **query: Any) -> Any:
    response = client.get(f"/api/v1/{path}", params=query)
    assert response.status_code == 200, response.text
    return response.json()


def test_health_says_ok_and_nothing_else(client: httpx.Client) -> None:
    assert get(client, "health") == {"status": "ok"}


def test_the_page_says_that_pages_come_later(client: httpx.Client) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert "later" in response.text


def test_the_api_describes_itself(client: httpx.Client) -> None:
    document = get(client, "openapi.json")
    assert document["openapi"].startswith("3.")
    for path in ("events", "stats", "runs", "utilization", "percentiles", "health"):
        assert f"/api/v1/{path}" in document["paths"]
    names = {parameter["name"] for parameter in document["paths"]["/api/v1/runs"]["get"]["parameters"]}
    expected = {"from", "to", "state", "outcome", "job", "queue", "endpoint", "worker", "service", "limit", "cursor"}
    expected |= {"text", "label", "fingerprint"}
    assert names == expected


@pytest.mark.parametrize(
    ("name", "content", "headers"),
    [
        ("lines", ndjson, NDJSON),
        ("lines-bom-crlf", lambda events: b"\xef\xbb\xbf" + ndjson(events).replace(b"\n", b"\r\n\r\n"), NDJSON),
        ("array", lambda events: json.dumps(events, indent=1).encode(), JSON),
        ("charset", lambda events: json.dumps(events).encode(), {"Content-Type": "Application/JSON; charset=utf-8"}),
        ("gzip", lambda events: gzip.compress(ndjson(events)), {**NDJSON, "Content-Encoding": "gzip"}),
        ("zstd", lambda events: zstandard.compress(ndjson(events)), {**NDJSON, "Content-Encoding": "ZSTD"}),
        (
            "gzip-array",
            lambda events: gzip.compress(json.dumps(events).encode()),
            {**JSON, "Content-Encoding": "gzip"},
        ),
    ],
)
def test_events_are_taken_in_every_form_and_once(
    client: httpx.Client, name: str, content: Any, headers: dict[str, str]
) -> None:
    body = content(finished(name, 5, 15, job="draw", service=name))
    assert post(client, body, headers).json() == {"accepted": 3, "duplicates": 0, "rejected": []}
    assert post(client, body, headers).json() == {"accepted": 0, "duplicates": 3, "rejected": []}
    answer = get(client, "stats", service=name)
    assert (answer["succeeded"], answer["duration_ms"]["avg"]) == (1, 10_000)


def test_one_object_is_a_batch_of_one(client: httpx.Client) -> None:
    body = json.dumps(event("task.submitted", "single", 0, service="single"), indent=2).encode()
    assert post(client, body, JSON).json()["accepted"] == 1


@pytest.mark.parametrize(("body", "headers"), [(b"", NDJSON), (b"\n\n", NDJSON), (b"[]", JSON)])
def test_an_empty_batch_is_fine(client: httpx.Client, body: bytes, headers: dict[str, str]) -> None:
    assert post(client, body, headers).json() == {"accepted": 0, "duplicates": 0, "rejected": []}


@pytest.mark.parametrize("form", ["lines", "array"])
def test_good_events_of_a_batch_are_kept_and_bad_ones_named(client: httpx.Client, form: str) -> None:
    service = f"mixed-{form}"
    events = [
        event("task.submitted", f"t1-{form}", 0, service=service),
        event("task.submitted", f"t2-{form}", 0, service=service, attempt=0),
        event("task.submitted", f"t3-{form}", 0, service=service) | {"time": "2999-01-01T00:00:00Z"},
        "no event",
        event("task.submitted", f"t4-{form}", 0, service=service),
    ]
    lines = form == "lines"
    answer = post(client, ndjson(events) if lines else json.dumps(events).encode(), NDJSON if lines else JSON).json()
    assert answer["accepted"] == 2
    assert [one["index"] for one in answer["rejected"]] == [1, 2, 3]
    for one, word in zip(answer["rejected"], ("count from 1", "10 minutes ahead", "object"), strict=True):
        assert word in one["error"]
    assert get(client, "stats", service=service)["submitted"] == 2


def test_a_broken_line_does_not_cost_the_others(client: httpx.Client) -> None:
    good = ndjson([event("task.submitted", "t", 0, service="broken-line")])
    answer = post(client, b'{"type": \n' + good, NDJSON).json()
    assert (answer["accepted"], answer["rejected"][0]["index"]) == (1, 0)


@pytest.mark.parametrize(
    ("body", "headers", "status", "words"),
    [
        (b"", JSON, 400, ["JSON"]),
        (b"{", JSON, 400, ["JSON"]),
        (b'[{"type": "task.started"}', JSON, 400, ["JSON"]),
        (b'[{"duration_ms": NaN}]', JSON, 400, ["NaN"]),
        (b"17", JSON, 400, ["array"]),
        (b'"text"', JSON, 400, ["array"]),
        (b"[" * 100_000, JSON, 400, ["JSON"]),
        (b'[{"type": "task.started"}]', NDJSON, 400, ["array", "application/json"]),
        (b"\xff\xfe", JSON, 400, ["JSON"]),
        (b"not gzip", {**NDJSON, "Content-Encoding": "gzip"}, 400, ["gzip", "broken"]),
        (gzip.compress(b"x" * 1000, mtime=0)[:-1], {**NDJSON, "Content-Encoding": "gzip"}, 400, ["gzip", "cut off"]),
        (zstandard.compress(b"x" * 1000)[:-1], {**NDJSON, "Content-Encoding": "zstd"}, 400, ["zstd", "cut off"]),
        (b"{}", {**NDJSON, "Content-Encoding": "br"}, 415, ["'br'", "gzip, zstd"]),
        (b"{}", {"Content-Type": "text/plain"}, 415, ["text/plain", "application/json"]),
        (b"{}", {}, 415, ["missing", "application/json"]),
        (b"{}\n" * 10_001, NDJSON, 413, ["more than 10000"]),
        (b"[" + b"{}," * 10_000 + b"{}]", JSON, 413, ["more than 10000"]),
        (b" " * ((16 << 20) + 1), NDJSON, 413, []),
        (gzip.compress(b" " * ((16 << 20) + 1), mtime=0), {**NDJSON, "Content-Encoding": "gzip"}, 413, ["16 MiB"]),
        (zstandard.compress(b" " * (2 << 30)), {**NDJSON, "Content-Encoding": "zstd"}, 413, ["16 MiB"]),
    ],
)
def test_a_request_that_is_malformed_or_too_large_is_refused_whole(
    client: httpx.Client, body: bytes, headers: dict[str, str], status: int, words: list[str]
) -> None:
    detail = problem(post(client, body, headers), status)
    for word in words:
        assert word in detail


def test_a_full_batch_is_taken(client: httpx.Client) -> None:
    events = (event("task.submitted", f"t{number}", number / 1000, service="full") for number in range(10_000))
    assert post(client, ndjson(events), NDJSON).json()["accepted"] == 10_000


@pytest.fixture(scope="module")
def told(server: Any) -> httpx.Client:
    """Three workers in the minute from 09:00: one is busy for 45 s, one for 10 s, one only present."""
    client: httpx.Client = server.client
    service = {"service": "told"}
    events = [
        *finished("t1", 5, 50, job="draw", queue="gpu", worker="a", **service),
        *finished("t2", 20, 30, "failed", job="draw", queue="gpu", worker="b", **service),
        event("worker.heartbeat", "", 0, **service, worker="c", boot="c", data={"queues": ["gpu"], "ttl_ms": 60_000})
        | {"task": None},
        event("task.submitted", "t3", 40, job="write,read", queue="cpu", **service),
    ]
    assert post(client, ndjson(events), NDJSON).json()["accepted"] == 8
    return client


def test_stats_answer_for_a_window_and_by_names(told: httpx.Client) -> None:
    for query, submitted in (
        ({}, 3),
        ({"job": "draw"}, 2),
        ({"job": r"write\,read"}, 1),
        ({"job": ["draw", r"write\,read"]}, 3),
        ({"queue": "cpu,gpu"}, 3),
        ({"endpoint": "cpu"}, 1),
        ({"from": "2026-01-08T09:00:10Z"}, 2),
        ({"from": "2026-01-08", "to": "2026-01-08"}, 3),
        ({"to": "2026-01-07"}, 0),
    ):
        assert get(told, "stats", service="told", **query)["submitted"] == submitted


def test_utilization_answers_by_bucket_and_worker(told: httpx.Client) -> None:
    window = {"from": "2026-01-08T09:00:00Z", "to": "2026-01-08T09:01:00Z", "service": "told"}
    [bucket] = get(told, "utilization", **window)["buckets"]
    assert (bucket["active_workers"], bucket["idle_workers"]) == (2, 1)
    assert bucket["avg_utilization"] == pytest.approx((45 / 60 + 10 / 60 + 0) / 3)
    assert len(get(told, "utilization", **window, step="5s")["buckets"]) == 12
    assert get(told, "utilization")["step_ms"] == 60_000


def test_percentiles_answer_for_a_job(told: httpx.Client) -> None:
    assert get(told, "percentiles", service="told", job="draw")["p50"] == 27_500
    assert get(told, "percentiles", service="told", last=1)["max"] == 45_000


def test_runs_are_listed_by_pages(told: httpx.Client) -> None:
    first = get(told, "runs", service="told", limit=2)
    rest = get(told, "runs", service="told", limit=2, cursor=first["next_cursor"])
    assert [item["task"] for item in first["items"] + rest["items"]] == ["t3", "t2", "t1"]
    assert rest["next_cursor"] is None
    assert [one["task"] for one in get(told, "runs", service="told", state="failed,pending")["items"]] == ["t3", "t2"]
    assert [one["task"] for one in get(told, "runs", service="told", worker="a", outcome="succeeded")["items"]] == [
        "t1"
    ]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("stats?from=yesterday", 400, ["from", "'yesterday'", "RFC 3339"]),
        ("stats?from=2026-01-08&to=2026-01-07", 400, ["from", "not before"]),
        ("stats?job=", 400, ["job", "empty"]),
        ("utilization?step=fast", 400, ["step", "'fast'"]),
        ("utilization?from=2020-01-01&step=1s", 400, ["buckets"]),
        ("percentiles?last=0", 400, ["last"]),
        ("runs?state=done", 400, ["state", "'DONE'"]),
        ("runs?limit=0", 400, ["limit", "1000"]),
        ("runs?limit=1001", 400, ["limit", "1000"]),
        ("runs?limit=many", 400, ["limit"]),
        ("runs?cursor=abc", 400, ["cursor"]),
        ("nothing", 404, ["Not Found"]),
        ("events", 405, ["Method Not Allowed"]),
    ],
)
def test_wrong_use_is_a_problem_with_words(client: httpx.Client, path: str, status: int, words: list[str]) -> None:
    detail = problem(client.get(f"/api/v1/{path}"), status)
    for word in words:
        assert word in detail


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8787", "127.0.0.1.evil.example", ""])
def test_a_page_that_reaches_us_by_another_name_gets_nothing(client: httpx.Client, host: str) -> None:
    assert "Host" in problem(client.get("/api/v1/stats", headers={"Host": host}), 403)


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8787", "taskscope.localhost"])
def test_every_name_of_this_machine_is_ours(client: httpx.Client, host: str) -> None:
    assert client.get("/api/v1/health", headers={"Host": host}).status_code == 200
