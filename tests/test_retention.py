"""Forgetting without lying: what retention keeps, what it seals, and what it refuses from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taskscope import ingest, retention, stats
from taskscope.core.clock import DAY, HOUR, MINUTE, SECOND, from_text
from taskscope.core.runsfile import convert_run
from taskscope.ports import Filter, Keep
from taskscope.testing import START, a_run, deliver, fact

if TYPE_CHECKING:
    from taskscope.ingest import Fact
    from taskscope.ports import Store

KEEP = Keep(events_us=14 * DAY, minutes_us=14 * DAY, hours_us=90 * DAY, runs=1000)
FIGURES = ("submitted", "succeeded", "failed", "running", "pending", "tasks", "success_rate", "task_success_rate")


@pytest.fixture
def store(any_store: Store) -> Store:
    """Give an empty store, one of each kind."""
    return any_store


def counts(store: Store, start: int | None = None, end: int | None = None) -> dict[str, Any]:
    """Give the figures that retention must never change."""
    shown = stats.stats(store, Filter(), start, end)
    return {figure: shown[figure] for figure in FIGURES}


def clean(store: Store) -> bool:
    """Tell whether verify finds nothing."""
    return not stats.verify(store)["differences"]


def history(year: int, runs: int) -> list[Fact]:
    """Give runs of an old year, as a runs file has them, one an hour."""
    first = from_text(f"{year}-03-01T00:00:00Z") // 1000
    return [
        made
        for n in range(runs)
        for made in convert_run(
            {
                "task_id": f"old-{n}",
                "job": "nightly",
                "worker": "w",
                "status": "succeeded",
                "submitted_at": first + n * 3_600_000,
                "started_at": first + n * 3_600_000 + 500,
                "finished_at": first + n * 3_600_000 + 90_000,
            }
        )
    ]


def test_history_of_2005_imported_today_survives_until_its_receipt_is_old(store: Store) -> None:
    deliver(store, history(2005, 1500), now=START)
    before = counts(store)
    assert retention.retain(store, START + 13 * DAY, KEEP)["dropped"] == 0
    assert stats.percentiles(store, Filter(), start=0, end=START)["count"] == 1500
    assert retention.retain(store, START + 15 * DAY, KEEP)["dropped"] == 500
    assert counts(store) == before
    assert clean(store)


def test_importing_again_after_retention_is_refused_by_name_and_counts_nothing_twice(store: Store) -> None:
    facts = history(2005, 1500)
    deliver(store, facts, now=START)
    before = counts(store)
    retention.retain(store, START + 15 * DAY, KEEP)
    again = deliver(store, facts, now=START + 15 * DAY)
    assert len(again.rejected) == 500 * 3
    assert "older than retention: task old-0 of 2005-03-01" in again.rejected[0][1]
    assert counts(store) == before
    with store.questions() as q:
        assert q.counters() == {"retention": 1500}
    assert clean(store)


def test_a_late_fact_of_a_task_that_is_kept_is_taken_below_the_watermark(store: Store) -> None:
    deliver(store, [f for n in range(1200) for f in a_run(f"t{n}", n, 1, job="j")], now=START + HOUR)
    retention.retain(store, START + 15 * DAY, KEEP)
    kept = fact("task.failed", 1199.5, task="t1199", job="j", attempt=2)
    dropped = fact("task.failed", 0.5, task="t0", job="j", attempt=2)
    receipt = deliver(store, [kept, dropped], now=START + 15 * DAY)
    assert receipt.accepted == 1
    assert "t0" in receipt.rejected[0][1]
    assert stats.stats(store, Filter())["failed"] == 1
    assert clean(store)


def test_a_run_that_is_open_for_40_days_ends_as_one_run(store: Store) -> None:
    begin = [fact("task.submitted", -1, task="t", job="j"), fact("task.started", 0, task="t", job="j", worker="w")]
    deliver(store, begin, now=START)
    for day in range(15, 41, 5):
        retention.retain(store, START + day * DAY, KEEP)
        assert clean(store)
    deliver(store, [fact("task.succeeded", 40 * 86_400, task="t", job="j", worker="w")], now=START + 41 * DAY)
    shown = stats.stats(store, Filter())
    assert (shown["succeeded"], shown["running"], shown["submitted"], shown["tasks"]["total"]) == (1, 0, 1, 1)
    assert shown["duration_ms"]["max"] == 40 * 86_400_000
    assert shown["wait_ms"]["max"] == 1000
    busy = stats.utilization(store, Filter(), START, START + 40 * DAY, DAY)
    assert sum(w["busy_ms"] for w in busy["workers"]) == 40 * 86_400_000
    assert clean(store)


def test_a_weekly_job_keeps_its_last_1000_runs_for_years(store: Store) -> None:
    week = 7 * 86_400
    for first in range(0, 1050, 10):
        runs = [f for n in range(first, first + 10) for f in a_run(f"w{n}", n * week, 60 + n, job="weekly")]
        deliver(store, runs, now=START + (first + 9) * 7 * DAY + HOUR)
    retention.retain(store, START + 1051 * 7 * DAY, KEEP)
    answer = stats.percentiles(store, Filter(jobs=["weekly"]))
    assert (answer["count"], answer["method"]) == (1000, "exact")
    assert answer["min"] == (60 + 50) * 1000
    assert stats.stats(store, Filter())["succeeded"] == 1050
    assert clean(store)


def test_a_run_that_was_lost_by_inference_keeps_its_fold_for_its_true_end(store: Store) -> None:
    names = {"worker": "w", "boot": "b", "job": "j"}
    deliver(
        store, [fact("task.started", 0, task="t", run="r", **names), fact("worker.heartbeat", 1, worker="w", boot="b")]
    )
    ingest.sweep(store, START + HOUR)
    assert stats.stats(store, Filter())["lost"] == 1
    retention.retain(store, START + 60 * DAY, KEEP)
    deliver(store, [fact("task.succeeded", 30 * 86_400, task="t", run="r", **names)], now=START + 61 * DAY)
    shown = stats.stats(store, Filter())
    assert (shown["lost"], shown["succeeded"], shown["tasks"]["total"]) == (0, 1, 1)
    assert clean(store)


def test_minutes_go_after_14_days_and_hours_after_90_and_the_answer_says_what_it_widened(store: Store) -> None:
    deliver(store, [f for n in range(50) for f in a_run(f"t{n}", n * 60, 30, job="j", worker="w")], now=START + HOUR)
    window = (START + 5 * MINUTE, START + 25 * MINUTE)
    exact = stats.stats(store, Filter(), *window)
    assert (exact["from"], exact["succeeded"]) == ("2026-01-08T08:33:00.000Z", 20)
    small = KEEP._replace(runs=0)
    retention.retain(store, START + 15 * DAY, small)
    widened = stats.stats(store, Filter(), *window)
    assert (widened["from"], widened["to"]) == ("2026-01-08T08:00:00.000Z", "2026-01-08T09:00:00.000Z")
    assert widened["succeeded"] == 32
    assert widened["duration_ms"]["method"] == "histogram"
    assert widened["duration_ms"]["avg"] == 30_000
    assert abs(widened["duration_ms"]["p95"] - 30_000) <= 300
    retention.retain(store, START + 95 * DAY, small)
    daily = stats.stats(store, Filter(), *window)
    assert (daily["from"], daily["succeeded"]) == ("2026-01-08T00:00:00.000Z", 50)
    assert counts(store)["succeeded"] == 50
    assert clean(store)


def test_after_retention_busy_time_and_workers_stand_and_idle_time_and_peaks_are_null(store: Store) -> None:
    facts = [f for n in range(20) for f in a_run(f"t{n}", n * 60, 30, job="j", queue="q", worker=f"w{n % 2}")]
    deliver(store, facts, now=START + HOUR)
    window = (START, START + 20 * MINUTE)
    before = stats.utilization(store, Filter(), *window)
    retention.retain(store, START + 15 * DAY, KEEP._replace(runs=0, minutes_us=30 * DAY))
    after = stats.utilization(store, Filter(), *window)
    for figure in ("active_workers", "idle_workers", "avg_utilization", "busy_ms", "tasks_completed"):
        assert [b[figure] for b in after["buckets"]] == [b[figure] for b in before["buckets"]], figure
    assert {w["idle_ms"] for w in after["workers"]} == {None}
    assert after["peak_concurrency"] == {"max": None, "first_at": None}
    assert before["peak_concurrency"]["max"] == 1
    assert clean(store)


def test_heartbeats_and_registrations_that_went_still_say_what_they_said(store: Store) -> None:
    deliver(
        store,
        [
            fact("worker.heartbeat", 0, worker="w", boot="b", data={"queues": ["q"]}),
            fact("job.registered", 0, job="j", data={"timeout_ms": 1000}),
            fact("resource.sampled", 0, worker="w", data={"cpu": 1}),
        ],
        now=START,
    )
    assert retention.retain(store, START + 15 * DAY, KEEP)["facts"] == 3
    deliver(store, [fact("task.started", 15 * 86_400, task="t", job="j")], now=START + 15 * DAY)
    ingest.sweep(store, START + 15 * DAY + 2 * SECOND)
    assert stats.stats(store, Filter())["timed_out"] == 1
    [bucket] = stats.utilization(store, Filter(queues=["q"]), START, START + MINUTE)["buckets"]
    assert bucket["idle_workers"] == 1
    assert clean(store)
    retention.retain(store, START + 120 * DAY, KEEP)
    assert stats.utilization(store, Filter(), START, START + DAY, DAY)["workers"] == []
    assert clean(store)


def test_forgetting_twice_is_forgetting_once(store: Store) -> None:
    deliver(store, history(2020, 1100), now=START)
    retention.retain(store, START + 15 * DAY, KEEP)
    before = stats.stats(store, Filter())
    assert retention.retain(store, START + 15 * DAY, KEEP)["dropped"] == 0
    assert stats.stats(store, Filter()) == before
    assert clean(store)
