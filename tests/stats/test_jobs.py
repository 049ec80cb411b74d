"""Jobs, one job and the heat map are what a count of all runs by hand says, on every store."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from taskscope import stats
from taskscope.core.clock import DAY, HOUR, MINUTE
from taskscope.errors import UsageError
from taskscope.ports import Filter, Store
from taskscope.stats.figures import Figures
from taskscope.stats.job import Asked
from taskscope.stats.jobs import Chosen
from taskscope.testing import START
from tests.oracle import OUTCOMES, Row
from tests.stats.story import CATEGORIES, FAILURES, NOW, text, told

WINDOW = (START + DAY + 5, START + 2 * DAY + 77)
ALL = Chosen()


def finished(rows: list[Row], window: tuple[int, int]) -> list[Row]:
    return [row for row in rows if row["outcome"] and window[0] <= row["finish"] < window[1]]


def check(seen: Figures, rows: list[Row], window: tuple[int, int], tolerance: float = 1e-9) -> None:
    """Compare figures with a count by hand; durations exactly or within a tolerance."""
    ended = finished(rows, window)
    counted = Counter(row["outcome"] for row in ended)
    assert [getattr(seen, outcome) for outcome in OUTCOMES] == [counted[outcome] for outcome in OUTCOMES]
    assert seen.submitted == sum(
        row["submitted"] is not None and window[0] <= row["submitted"] < window[1] for row in rows
    )
    assert seen.failures == sum(counted[outcome] for outcome in FAILURES)
    whole = seen.failures + counted["succeeded"]
    assert seen.success_rate == (counted["succeeded"] / whole if whole else None)
    took = [row["duration"] / 1000 for row in ended if row["duration"] is not None]
    assert seen.duration_ms.count == len(took)
    if took:
        assert seen.duration_ms.avg == pytest.approx(np.mean(took))
        percentiles = [seen.duration_ms.p50, seen.duration_ms.p95, seen.duration_ms.p99]
        assert percentiles == pytest.approx(list(np.percentile(took, [50, 95, 99])), rel=tolerance)


def newest(rows: list[Row], count: int) -> list[Row]:
    ended = [row for row in rows if row["outcome"]]
    return sorted(ended, key=lambda row: (-row["finish"], row["task"], row["attempt"], row["run"]))[:count]


def names() -> list[tuple[str, str]]:
    seen = {(row["service"], row["job"]) for row in told().rows}
    return sorted(seen | {("s1", job) for job in CATEGORIES} | {("s2", "j0")}, key=lambda name: name[::-1])


def test_jobs_are_listed_with_the_figures_of_a_count_by_hand(storied: Store) -> None:
    found = stats.jobs(storied, Filter(), ALL, WINDOW, recent=3, limit=200)
    assert [(item.service, item.job) for item in found.items] == names()
    assert found.total == len(found.items)
    for item in found.items:
        rows = [row for row in told().rows if (row["service"], row["job"]) == (item.service, item.job)]
        check(item.figures, rows, WINDOW)
        last = newest(rows, 3)
        assert [(run.task, run.run, run.outcome, run.finished_at) for run in item.recent] == [
            (row["task"], row["run"], row["outcome"], text(row["finish"])) for row in last
        ]
        assert item.last_run == (item.recent[0] if last else None)
        whole = stats.stats(storied, Filter(services=[item.service], jobs=[item.job]), *WINDOW)
        assert (item.running, item.pending) == (whole["running"], whole["pending"])
        step = round(found.step_ms * 1000)
        low = WINDOW[0] // step * step
        assert found.trend_from == text(low)
        for counts, outcomes in ((item.trend, OUTCOMES), (item.failing, FAILURES)):
            by_hand = Counter((row["finish"] - low) // step for row in rows if row["outcome"] in outcomes)
            assert counts == [by_hand[bucket] for bucket in range(len(counts))]
        known = item.job in CATEGORIES and (item.service == "s1" or item.job == "j0")
        assert item.registered is known
        assert (item.category, item.owner) == (
            (CATEGORIES[item.job], f"owner of {item.job}") if known else (None, None)
        )


def test_jobs_are_chosen_by_what_is_registered_of_them(storied: Store) -> None:
    def listed(chosen: Chosen, **where: Any) -> list[str]:
        return [f"{item.service}/{item.job}" for item in stats.jobs(storied, Filter(**where), chosen, WINDOW).items]

    assert listed(Chosen(categories=["Art"])) == ["s1/j0", "s2/j0", "s1/j1"]
    assert listed(Chosen(categories=["Art"]), services=["s2"]) == ["s2/j0"]
    assert listed(Chosen(owners=["owner of j2"])) == ["s1/j2"]
    assert listed(Chosen(text="OWNER OF J3")) == ["s1/j3"]
    assert "s1/j4" in listed(Chosen(categories=[""]))
    assert listed(Chosen(), jobs=["j1"], services=["s1"]) == ["s1/j1"]
    assert listed(Chosen(text="nothing of that kind")) == []


def test_pages_of_jobs_hold_each_once(storied: Store) -> None:
    paged, cursor = [], None
    while True:
        page = stats.jobs(storied, Filter(), ALL, WINDOW, cursor=cursor, limit=2)
        paged += [(item.service, item.job) for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert paged == names()


@pytest.mark.parametrize("services", [None, ["s2"]])
def test_a_job_is_what_a_count_by_hand_says(storied: Store, services: list[str] | None) -> None:
    found = stats.job(storied, "j0", Filter(services=services), WINDOW, Asked(step=6 * HOUR, sample=25, newest=4))
    assert found is not None
    rows = [r for r in told().rows if r["job"] == "j0" and (services is None or r["service"] in services)]
    assert found.services == (services or ["s1", "s2"])
    check(found.figures, rows, WINDOW)
    earlier = (2 * WINDOW[0] - WINDOW[1], WINDOW[0])
    check(found.comparison.figures, rows, earlier)
    now, then = found.figures, found.comparison.figures
    counts = len(finished(rows, WINDOW)), len(finished(rows, earlier))
    assert found.comparison.change.finished == (counts[0] - counts[1]) / counts[1]
    assert found.comparison.change.success_rate == (now.success_rate or 0) - (then.success_rate or 0)
    low = WINDOW[0] // (6 * HOUR) * 6 * HOUR
    for number, bucket in enumerate(found.history.buckets):
        assert bucket.start == text(low + number * 6 * HOUR)
        check(bucket, rows, (low + number * 6 * HOUR, low + (number + 1) * 6 * HOUR), tolerance=0.011)
    assert found.history.end == text(low + len(found.history.buckets) * 6 * HOUR)
    took = [row["duration"] / 1000 for row in newest([r for r in rows if r["duration"] is not None], 25)]
    assert found.sample.count == len(took)
    assert found.sample.p95 == pytest.approx(np.percentile(took, 95))
    listed = sorted(
        (r for r in rows if r["outcome"]), key=lambda r: (-r["finish"], r["service"], r["task"], r["attempt"], r["run"])
    )
    assert [(run.service, run.task, run.run) for run in found.newest] == [
        (row["service"], row["task"], row["run"]) for row in listed[:4]
    ]


def test_a_job_that_is_unknown_is_none(storied: Store) -> None:
    assert stats.job(storied, "nobody", Filter(), WINDOW, Asked()) is None
    assert stats.job(storied, "j1", Filter(services=["s9"]), WINDOW, Asked()) is None


def test_two_periods_can_be_chosen(storied: Store) -> None:
    earlier = (START, START + HOUR)
    found = stats.job(storied, "j0", Filter(), WINDOW, Asked(earlier=earlier))
    assert found is not None
    check(found.comparison.figures, [row for row in told().rows if row["job"] == "j0"], earlier)


@pytest.mark.parametrize("step", [MINUTE + 1, MINUTE // 2])
def test_a_step_is_whole_minutes(storied: Store, step: int) -> None:
    with pytest.raises(UsageError, match="whole minutes"):
        stats.job(storied, "j0", Filter(), WINDOW, Asked(step=step))
    with pytest.raises(UsageError, match="longer step"):
        stats.job(storied, "j0", Filter(), (START, START + 3 * DAY), Asked(step=MINUTE))


@pytest.mark.parametrize("where", [Filter(), Filter(services=["s1"], queues=["q0"])])
def test_the_heat_map_is_a_count_by_hand(storied: Store, where: Filter) -> None:
    found = stats.heatmap(storied, where, WINDOW, (1, 2, 3))
    rows = [r for r in told().rows if where.services is None or (r["service"], r["queue"]) == ("s1", "q0")]
    low, high = WINDOW[0] // HOUR * HOUR, -(-WINDOW[1] // HOUR) * HOUR
    assert found.hours == [text(hour) for hour in range(low, high, HOUR)]
    registered = {("s1", job): category for job, category in CATEGORIES.items()} | {("s2", "j0"): "Art"}
    of_category: dict[str | None, list[Row]] = {}
    for row in finished(rows, (low, high)):
        if row["outcome"] != "cancelled":
            of_category.setdefault(registered.get((row["service"], row["job"])), []).append(row)
    assert [one.category for one in found.categories] == sorted(of_category, key=lambda name: (name is None, name))
    for one in found.categories:
        own = of_category[one.category]
        failed = [row for row in own if row["outcome"] in FAILURES]
        assert (one.runs, one.failures) == (len(own), len(failed))
        for hour, cell in zip(range(low, high, HOUR), one.cells, strict=True):
            runs = [row for row in own if hour <= row["finish"] < hour + HOUR]
            bad = [row for row in runs if row["outcome"] in FAILURES]
            level = ["none", "low", "medium", "high"][min(len(bad), 3)] if runs else None
            rate = len(bad) / len(runs) if runs else None
            assert (cell.runs, cell.failures, cell.failure_rate, cell.level) == (len(runs), len(bad), rate, level)
        jobs = Counter((row["service"], row["job"]) for row in failed)
        assert {(job.service, job.job): job.failures for job in one.jobs} == jobs
        assert [job.failures for job in one.jobs] == sorted(jobs.values(), reverse=True)
    assert found.most == max(cell.failures for one in found.categories for cell in one.cells)


@pytest.mark.parametrize("thresholds", [(1, 5), (0, 1, 2), (5, 4, 6), (1, 1, 2)])
def test_thresholds_rise(storied: Store, thresholds: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="three rising"):
        stats.heatmap(storied, Filter(), WINDOW, thresholds)


def test_a_heat_map_of_a_year_is_refused(storied: Store) -> None:
    with pytest.raises(UsageError, match="31 days"):
        stats.heatmap(storied, Filter(), (NOW - 365 * DAY, NOW))
