"""The worked examples of event-derived worker utilisation: 75 %, 16.67 % and 0 % make 30.56 %."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.rows import dict_row

from taskscope import stats
from taskscope.core.clock import MINUTE, SECOND
from taskscope.ports import Filter
from taskscope.store.postgres import PostgresStore
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import START, deliver, fact

if TYPE_CHECKING:
    from taskscope.ingest import Fact
    from taskscope.ports import Store

ENDPOINT = "wan-2-2-i2v-14b-no-lora"
WINDOW = ("2026-01-08 08:28:00", "2026-01-08 08:29:00")

BY_WORKER = """
SELECT
    worker_id,
    SUM(execution_duration_ms) as total_exec_ms,
    COUNT(*) as task_count,
    (SUM(execution_duration_ms) / 60000) * 100 as utilization_pct
FROM task_events
WHERE endpoint = ?
  AND event_time >= ?
  AND event_time < ?
  AND event_type IN ('TASK_COMPLETED', 'TASK_FAILED', 'TASK_TIMEOUT')
  AND worker_id IS NOT NULL
  AND execution_duration_ms IS NOT NULL
GROUP BY worker_id
"""
CHECK = """
SELECT
    worker_id,
    SUM(execution_duration_ms) / 1000.0 as total_exec_sec,
    (SUM(execution_duration_ms) / 60000.0) * 100 as utilization_pct
FROM task_events
WHERE endpoint = 'wan-2-2-i2v-14b-no-lora'
  AND event_time >= '2026-01-08 08:28:00'
  AND event_time < '2026-01-08 08:29:00'
  AND event_type IN ('TASK_COMPLETED', 'TASK_FAILED', 'TASK_TIMEOUT')
  AND worker_id IS NOT NULL
GROUP BY worker_id
"""
IDLE = """
SELECT COUNT(DISTINCT w.worker_id)
FROM workers w
WHERE w.endpoint = ?
  AND w.last_heartbeat >= ?
  AND w.last_heartbeat < ?
  AND w.status IN ('ONLINE', 'BUSY')
  AND NOT EXISTS (
    SELECT 1 FROM task_events te
    WHERE te.worker_id = w.worker_id
      AND te.event_time >= ?
      AND te.event_time < ?
  )
"""


def run(task: str, worker: str, start_s: float, length_s: float) -> list[Fact]:
    """Give the facts of one run on this endpoint."""
    names = {"task": task, "worker": worker, "boot": f"boot-{worker}", "endpoint": ENDPOINT, "job": "i2v"}
    return [
        fact("task.started", start_s, **names),
        fact("task.succeeded", start_s + length_s, duration_ms=length_s * 1000, **names),
    ]


def heartbeats(worker: str, until_s: int = 60) -> list[Fact]:
    """Give a heartbeat every ten seconds."""
    names = {"worker": worker, "boot": f"boot-{worker}", "data": {"queues": [ENDPOINT]}}
    return [fact("worker.heartbeat", at, **names) for at in range(0, until_s, 10)]


@pytest.fixture
def store(any_store: Store) -> Store:
    """Hold the document's minute: A works 45 s in three tasks, B 10 s in one, C not at all."""
    work = [*run("a1", "A", 1, 20), *run("a2", "A", 22, 15), *run("a3", "A", 40, 10), *run("b1", "B", 5, 10)]
    deliver(any_store, [*work, *(fact for worker in "ABC" for fact in heartbeats(worker))])
    return any_store


def rows(store: Store, sql: str, *values: str) -> list[dict[str, Any]]:
    """Ask the file or the database with SQL, as any tool would; timestamps as the text that they are in the file."""
    if isinstance(store, PostgresStore):
        with store._pool.connection() as database, database.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(sql.replace("?", "%s"), values).fetchall()
        return [{name: _text(value) for name, value in row.items()} for row in found]
    assert isinstance(store, SqliteStore)
    connection = sqlite3.connect(store.path)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(sql, values)]
    finally:
        connection.close()


def _text(value: Any) -> Any:
    return value.isoformat(" ") if isinstance(value, datetime) else value


def test_the_average_of_75_and_16_67_and_0_percent_is_30_56(store: Store) -> None:
    answer = stats.utilization(store, Filter(queues=[ENDPOINT]), START, START + MINUTE)
    assert {w["worker"]: round(w["utilization"] * 100, 2) for w in answer["workers"]} == {"A": 75, "B": 16.67, "C": 0}
    [bucket] = answer["buckets"]
    assert (bucket["active_workers"], bucket["idle_workers"]) == (2, 1)
    assert round(bucket["avg_utilization"] * 100, 2) == 30.56


def test_the_view_has_both_averages_and_null_samples(store: Store) -> None:
    row = rows(store, "SELECT * FROM endpoint_minute_stats WHERE stat_minute = ?", WINDOW[0])[0]
    assert row["endpoint"] == ENDPOINT
    assert (row["active_workers"], row["idle_workers"], row["tasks_completed"]) == (2, 1, 4)
    assert round(row["avg_worker_utilization"], 2) == 30.56
    assert round(row["avg_worker_utilization_completed"], 2) == 30.56
    assert row["idle_ms"] == 15_000 + 50_000 + 60_000
    assert row["avg_gpu_utilization"] is None


def test_the_documents_statements_run_word_for_word_and_agree_with_the_view(store: Store) -> None:
    by_worker = rows(store, BY_WORKER, ENDPOINT, *WINDOW)
    assert {row["worker_id"]: round(row["utilization_pct"], 2) for row in by_worker} == {"A": 75, "B": 16.67}
    assert {row["worker_id"]: row["total_exec_sec"] for row in rows(store, CHECK)} == {"A": 45, "B": 10}
    [idle] = rows(store, IDLE, ENDPOINT, *WINDOW, *WINDOW)
    assert list(idle.values()) == [1]
    average = sum(row["utilization_pct"] for row in by_worker) / (len(by_worker) + 1)
    [view] = rows(store, "SELECT * FROM endpoint_minute_stats WHERE stat_minute = ?", WINDOW[0])
    assert view["avg_worker_utilization_completed"] == pytest.approx(average)


def test_a_ten_second_task_between_two_snapshots_is_seen(any_store: Store) -> None:
    deliver(any_store, run("short", "A", 5, 10))
    answer = stats.utilization(any_store, Filter(), START, START + MINUTE)
    assert answer["workers"][0]["busy_ms"] == 10_000


def test_a_worker_that_runs_side_by_side_passes_100_percent(any_store: Store) -> None:
    deliver(any_store, [*run("one", "A", 0, 40), *run("two", "A", 0, 40), *heartbeats("A")])
    answer = stats.utilization(any_store, Filter(), START, START + MINUTE)
    assert answer["workers"][0]["utilization"] == pytest.approx(80 / 60)
    assert answer["workers"][0]["idle_ms"] == 20_000
    [row] = [r for r in rows(any_store, "SELECT * FROM endpoint_minute_stats") if r["stat_minute"] == WINDOW[0]]
    assert row["avg_worker_utilization"] == pytest.approx(80 / 60 * 100)
    assert row["idle_ms"] == 20_000


def test_a_minute_in_which_a_worker_only_idles_has_its_row(any_store: Store) -> None:
    deliver(any_store, heartbeats("C", until_s=30))
    [row] = rows(any_store, "SELECT * FROM endpoint_minute_stats")
    assert (row["stat_minute"], row["active_workers"], row["idle_workers"]) == (WINDOW[0], 0, 1)
    assert (row["avg_worker_utilization"], row["idle_ms"], row["tasks_submitted"]) == (0, 50_000, 0)


def test_a_task_across_minutes_is_spread_beside_the_documents_attribution(any_store: Store) -> None:
    deliver(any_store, [*run("long", "A", 30, 60)])
    found = {row["stat_minute"][-5:]: row for row in rows(any_store, "SELECT * FROM endpoint_minute_stats")}
    assert found["28:00"]["avg_worker_utilization"] == 50
    assert found["29:00"]["avg_worker_utilization"] == 50
    assert found["29:00"]["avg_worker_utilization_completed"] == 100
    assert found["28:00"]["avg_worker_utilization_completed"] is None


def test_the_view_agrees_with_utilization_in_every_minute_and_queue(any_store: Store) -> None:
    facts = [f for n in range(40) for f in run(f"t{n}", "ABC"[n % 3], n * 11, 3 + n % 50)]
    facts += [f for worker in "ABCD" for f in heartbeats(worker, 300)]
    deliver(any_store, facts)
    window = (START, START + 10 * MINUTE)
    buckets = stats.utilization(any_store, Filter(queues=[ENDPOINT]), *window)["buckets"]
    expected = [
        (b["active_workers"], b["idle_workers"], b["tasks_completed"], round(b["avg_utilization"] * 100, 6))
        for b in buckets
        if b["avg_utilization"] is not None
    ]
    found = [
        (r["active_workers"], r["idle_workers"], r["tasks_completed"], round(r["avg_worker_utilization"], 6))
        for r in rows(any_store, "SELECT * FROM endpoint_minute_stats ORDER BY stat_minute")
        if r["stat_minute"] < "2026-01-08 08:38:00"
    ]
    assert found == expected
    idle = sum(w["idle_ms"] for w in stats.utilization(any_store, Filter(), *window, 10 * MINUTE)["workers"])
    assert sum(r["idle_ms"] for r in rows(any_store, "SELECT * FROM endpoint_minute_stats")) == pytest.approx(idle)


def test_present_means_at_the_mark(any_store: Store) -> None:
    from taskscope import ingest  # noqa: PLC0415 - used here alone

    deliver(any_store, [*heartbeats("A", 20), fact("task.started", 12, task="t", worker="A", boot="boot-A")])
    states = []
    for at_s in (20, 39, 40):
        ingest.sweep(any_store, START + at_s * SECOND)
        states.append({row["status"] for row in rows(any_store, "SELECT * FROM workers")})
    assert states == [{"BUSY"}, {"BUSY"}, {"OFFLINE"}]
