"""What scrapers read: both text forms, the same from any server, and a clear refusal beyond the names that fit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from taskscope.core import counters
from taskscope.core.clock import HOUR, SECOND
from taskscope.server.exposition import histogram, labels, wants_openmetrics
from taskscope.stats.exported import exported
from taskscope.testing import START, a_run, deliver, fact
from tests.server.conftest import Server

ODD = 'a "b"\\c\nd'
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    server = Server(tmp_path_factory.mktemp("metrics") / "home")
    now_ms = time.time() * 1000
    facts: list[dict[str, Any]] = []
    for number in range(30):
        names = {"task": f"t{number}", "job": ODD, "queue": f"q{number % 3}", "service": f"s{number % 2}"}
        there = {**names, "worker": f"w{number % 2}", "run": "r", "boot": f"b{number % 2}"}
        facts += [
            {"type": "task.submitted", "time": now_ms - 9000 - number, **names},
            {"type": "task.started", "time": now_ms - 8000, **there},
            {"type": "task.failed" if number % 5 == 0 else "task.succeeded", "time": now_ms - 100 * number, **there},
        ]
    for n in range(2):
        beat = {"type": "worker.heartbeat", "time": now_ms, "worker": f"w{n}", "boot": f"b{n}", "service": f"s{n}"}
        facts.append({**beat, "data": {"ttl_ms": 3_600_000}})
    assert server.client.post("/api/v1/events", json=facts).json()["rejected"] == []
    yield server.client
    server.stop()


def samples(families: Any) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_both_forms_are_read_by_a_library_and_say_the_same(told: httpx.Client) -> None:
    text, open_text = told.get("/metrics"), told.get("/metrics", headers={"accept": OPENMETRICS})
    assert text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert open_text.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    one, other = samples(read_text(text.text)), samples(read_openmetrics(open_text.text))  # type: ignore[no-untyped-call]
    passing = ("timestamp", "spool", "_size_bytes", "workers", "utilization", "oldest")  # may move between two scrapes
    moving = {key for key in one if any(name in key[0] for name in passing)}
    assert {key: one[key] for key in one.keys() - moving} == {key: other[key] for key in other.keys() - moving}
    finished = {key: value for key, value in one.items() if key[0] == "taskscope_runs_finished_total"}
    assert sum(finished.values()) == 30
    assert {dict(key[1])["job"] for key in finished} == {ODD}
    kinds = {family.name: family.type for family in read_openmetrics(open_text.text)}  # type: ignore[no-untyped-call]
    assert (kinds["taskscope_build"], kinds["taskscope_runs_finished"]) == ("info", "counter")
    assert kinds["taskscope_run_duration_seconds"] == "histogram"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", True),
        ("application/openmetrics-text; q=0.2, text/plain; q=0.9", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=nonsense", False),
    ],
)
def test_openmetrics_comes_when_it_is_asked_for(accept: str, wanted: bool) -> None:  # noqa: FBT001
    assert wants_openmetrics(accept) is wanted


def test_labels_are_escaped_and_empty_ones_left_out() -> None:
    assert labels(a=ODD, b="", c=None, d="é") == 'a="a \\"b\\"\\\\c\\nd",d="é"'
    assert [part.labels for part in histogram("", ["1.0"], [2, 3], 4.5)] == ['le="1.0"', 'le="+Inf"', "", ""]


def test_queues_and_workers_go_page_by_page(told: httpx.Client) -> None:
    for path, key in (("queues", "queue"), ("workers", "worker")):
        whole = told.get(f"/api/v1/{path}").json()["items"]
        paged: list[Any] = []
        cursor = None
        while True:
            page = told.get(f"/api/v1/{path}", params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
            paged += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert [(one["service"], one[key]) for one in paged] == [(one["service"], one[key]) for one in whole]
        assert told.get(f"/api/v1/{path}?cursor=nonsense").status_code == 400
        assert told.get(f"/api/v1/{path}?limit=0").status_code == 400


def test_filters_keep_what_was_asked_for(told: httpx.Client) -> None:
    def names(path: str, key: str, **asked: str) -> list[Any]:
        return [(one["service"], one[key]) for one in told.get(f"/api/v1/{path}", params=asked).json()["items"]]

    assert names("queues", "queue") == [(s, q) for s in ("s0", "s1") for q in ("q0", "q1", "q2")]
    assert names("queues", "queue", service="s1", queue="q0,q2") == [("s1", "q0"), ("s1", "q2")]
    assert names("workers", "worker") == [("s0", "w0"), ("s1", "w1")]
    assert names("workers", "worker", worker="w1") == names("workers", "worker", service="s1") == [("s1", "w1")]
    assert names("workers", "worker", queue="q1", present="true") == [("s0", "w0"), ("s1", "w1")]
    assert names("workers", "worker", queue="q7") == names("workers", "worker", present="false") == []


def test_a_limit_of_concurrency_is_of_those_that_are_present(any_store: Any) -> None:
    from taskscope.ports import Filter  # noqa: PLC0415
    from taskscope.stats.queues import queues  # noqa: PLC0415
    from taskscope.stats.workers import workers  # noqa: PLC0415

    def beat(at_s: float, worker: str, boot: str, **data: Any) -> Any:
        return fact("worker.heartbeat", at_s, worker=worker, boot=boot, data={"queues": ["q"], **data})

    deliver(
        any_store,
        [
            beat(0, "w", "b1", concurrency=2, host="h1", pid=7, pool="prefork"),
            beat(10, "w", "b1", concurrency=3),  # the newest word stands
            beat(0, "w", "b2", concurrency=8, host="h2"),
            fact("worker.offline", 5, worker="w", boot="b2"),
            beat(5, "v", "b3", concurrency=4),
            beat(5, "u", "b4"),  # tells none
            beat(5, "agent", "b5", role="agent", concurrency=50),
            fact("task.started", 3, task="t", job="j", queue="q", worker="w", boot="b1", run="r"),
        ],
    )
    window, now = (START - HOUR, START + 20 * SECOND), START + 20 * SECOND
    [queue] = queues(any_store, Filter(), window, now, stuck_after=HOUR).items
    assert (queue.limit, queue.workers, queue.running, queue.use) == (7, 3, 1, 1 / 7)
    found = {one.worker: one for one in workers(any_store, Filter(), window, now).items}
    assert found.keys() == {"u", "v", "w"}
    w = found["w"]
    assert (w.present, w.boots, w.boot, w.host, w.pid, w.pool, w.concurrency) == (True, 2, "b1", "h1", 7, "prefork", 3)
    [later] = queues(any_store, Filter(), window, START + 60 * SECOND, stuck_after=HOUR).items
    assert (later.limit, later.workers, later.use) == (None, 0, None)
    gone = {one.worker: one.gone_since for one in workers(any_store, Filter(), window, START + 60 * SECOND).items}
    assert gone == {"u": "2026-01-08T08:28:35.000Z", "v": "2026-01-08T08:28:35.000Z", "w": "2026-01-08T08:28:40.000Z"}
    services = exported(any_store, START + 60 * SECOND, stuck_after=HOUR).services
    assert services["default"].vanished == 3


def test_beyond_the_names_that_fit_new_ones_are_refused_and_counted(any_store: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(counters, "MOST_SERIES", 3)
    deliver(any_store, [one for n in range(2) for one in a_run(f"t{n}", n, 1, job=f"job{9 - n}", queue="q")])
    first = exported(any_store, START + HOUR, stuck_after=HOUR)
    assert (sorted(job for _, job, _ in first.series), first.refused) == (["job8", "job9"], 0)
    deliver(any_store, [one for n in range(5) for one in a_run(f"u{n}", n, 1, job=f"a{n}", queue="q")])
    then = exported(any_store, START + HOUR, stuck_after=HOUR)
    assert (len(then.series), then.refused) == (3, 4)
    assert first.series.keys() < then.series.keys()  # who was there stays, whatever sorts before it
    deliver(any_store, a_run("v", 9, 1, job="job9", queue="q"))
    assert exported(any_store, START + HOUR, stuck_after=HOUR).series["default", "job9", "q"].count("succeeded") == 2


@pytest.mark.parametrize("bound_s", counters.BOUNDS_S)
def test_a_bound_counts_what_took_exactly_as_long_and_nothing_that_took_much_longer(bound_s: float) -> None:
    from taskscope.core.cells import OK, JobCell  # noqa: PLC0415

    place = counters.BOUNDS_S.index(bound_s)
    for factor, counted in ((0.979, 1), (1, 1), (1.021, 0)):
        cell = JobCell()
        cell.observe(OK, round(bound_s * SECOND * factor), 1)
        buckets = counters.change(counters.empty(), counters.vector(cell)).buckets("succeeded")
        assert buckets[place] == counted
        assert buckets == sorted(buckets)
