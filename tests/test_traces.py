"""Real public workloads: every figure equals an answer that was computed independently."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from taskscope import stats
from taskscope.core.clock import from_ms, from_text
from taskscope.core.normalise import decode_event
from taskscope.core.runsfile import decode_run
from taskscope.ports import Filter
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import deliver, picture
from tests.postgres import Schemas

NOW = from_text("2026-11-01T00:00:00Z")
FOLDER = Path(os.environ.get("TASKSCOPE_TRACES", "/nonexistent"))
TRACES = sorted(path.name.removesuffix(".runs.ndjson.gz") for path in FOLDER.glob("*.runs.ndjson.gz"))

pytestmark = pytest.mark.skipif(not TRACES, reason="TASKSCOPE_TRACES names no folder with traces")


def lines_of(trace: str) -> list[bytes]:
    """Read the runs of a trace."""
    return gzip.decompress((FOLDER / f"{trace}.runs.ndjson.gz").read_bytes()).splitlines()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SqliteStore]:
    """Hold each trace, imported as runs."""
    found = {}
    for trace in TRACES:
        found[trace] = SqliteStore(tmp_path_factory.mktemp("traces") / "store.db")
        deliver(found[trace], [fact for line in lines_of(trace) for fact in decode_run(line)], now=NOW)
    return found


def answers(trace: str) -> dict[str, Any]:
    """Read the reference answers of a trace."""
    found: dict[str, Any] = json.loads((FOLDER / f"{trace}.answers.json").read_bytes())
    return found


def same_distribution(block: dict[str, Any], reference: dict[str, Any]) -> None:
    """Compare a block of durations or waits with its reference."""
    assert block["method"] == "exact"
    assert block["count"] == reference["n"]
    for ours, theirs in (
        ("avg", "mean"),
        ("min", "min"),
        ("max", "max"),
        ("p50", "p50"),
        ("p95", "p95"),
        ("p99", "p99"),
    ):
        assert block[ours] == pytest.approx(reference[theirs], rel=1e-9), ours


@pytest.mark.parametrize("trace", TRACES)
def test_counts_rates_durations_and_waits(trace: str, stores: dict[str, SqliteStore]) -> None:
    reference = answers(trace)
    shown = stats.stats(stores[trace], Filter())
    statuses = reference["counts_by_status"]
    for status, figure in (
        ("timeout", "timed_out"),
        *((s, s) for s in ("succeeded", "failed", "cancelled", "running", "pending")),
    ):
        assert shown[figure] == statuses.get(status, 0), figure
    assert shown["submitted"] == reference["rows"]
    assert shown["success_rate"] == pytest.approx(reference["success_rate_excluding_cancelled"])
    assert shown["skewed"] == reference["negative_waits"]
    assert shown["tasks"]["total"] == reference["distinct_task_ids"]
    last = reference["counts_by_status_of_last_run_per_task_id"]
    assert shown["tasks"]["completed"] == last.get("succeeded", 0)
    assert shown["tasks"]["failed"] == last.get("failed", 0) + last.get("timeout", 0)
    same_distribution(shown["duration_ms"], reference["duration_ms_all_finished"])
    same_distribution(shown["duration_ms_succeeded"], reference["duration_ms_succeeded"])
    same_distribution(shown["wait_ms"], reference["queue_wait_ms"])


@pytest.mark.parametrize("trace", TRACES)
def test_every_job_of_the_reference(trace: str, stores: dict[str, SqliteStore]) -> None:
    jobs = {row["job"]: row for row in stats.stats(stores[trace], Filter())["jobs"]}
    reference = answers(trace)
    assert len(jobs) == reference["jobs_total"]
    for job, expected in reference["top10_jobs"].items():
        same_distribution(jobs[job]["duration_ms"], expected["duration_ms"])
        for status, count in expected["counts"].items():
            assert jobs[job]["timed_out" if status == "timeout" else status] == count


@pytest.mark.parametrize("trace", TRACES)
def test_busy_time_workers_and_peaks_of_every_window(trace: str, stores: dict[str, SqliteStore]) -> None:
    series = json.loads(gzip.decompress((FOLDER / f"{trace}.util.json.gz").read_bytes()))
    for name, expected in answers(trace)["windows"].items():
        start, end, step = (from_ms(expected[key]) for key in ("start", "end", "bin_ms"))
        shown = stats.utilization(stores[trace], Filter(), start, end, step)
        assert [b["busy_ms"] for b in shown["buckets"]] == series[name]["total_busy_ms"], name
        workers = series[name].get("workers", {})
        assert {w["worker"]: w["buckets"] for w in shown["workers"] if w["busy_ms"]} == {
            worker: values["busy_ms"] for worker, values in workers.items() if sum(values["busy_ms"])
        }
        peak = expected["peak_concurrency_in_window"]
        assert shown["peak_concurrency"]["max"] == peak["max"]
        assert from_text(shown["peak_concurrency"]["first_at"]) == from_ms(peak["first_reached_at"])
        if "active_per_bin" in expected:
            assert [b["active_workers"] for b in shown["buckets"]] == expected["active_per_bin"]
            assert [b["idle_workers"] for b in shown["buckets"]] == expected["idle_per_bin"]
            _averages(shown, expected, workers)


def _averages(shown: dict[str, Any], expected: dict[str, Any], workers: dict[str, Any]) -> None:
    """Compare the mean load of present workers, and idle time, which is presence without the union of work."""
    present = [b["active_workers"] + b["idle_workers"] for b in shown["buckets"]]
    load = sum((b["avg_utilization"] or 0) * n for b, n in zip(shown["buckets"], present, strict=True))
    assert load / sum(present) == pytest.approx(expected["avg_load_busy_over_present_bins"])
    union = sum(sum(values["union_ms"]) for values in workers.values())
    assert sum(w["idle_ms"] for w in shown["workers"]) == pytest.approx(expected["present_time_ms"] - union)


@pytest.mark.parametrize("trace", TRACES)
def test_nothing_differs_from_the_log_and_importing_again_adds_nothing(
    trace: str, stores: dict[str, SqliteStore]
) -> None:
    facts = [fact for line in lines_of(trace) for fact in decode_run(line)]
    before = stats.stats(stores[trace], Filter())
    assert deliver(stores[trace], facts, now=NOW)[:2] == (0, len(facts))
    assert stats.stats(stores[trace], Filter()) == before
    assert stats.verify(stores[trace])["differences"] == []


@pytest.mark.parametrize("trace", TRACES)
def test_postgresql_gives_the_same_answers(trace: str, stores: dict[str, SqliteStore], schemas: Schemas) -> None:
    facts = [fact for line in lines_of(trace) for fact in decode_run(line)]
    windows = [(from_ms(w["start"]), from_ms(w["end"])) for w in answers(trace)["windows"].values()][:3]
    other = schemas.open("trace")
    chance = random.Random(trace)
    deliver(other, chance.sample(facts, len(facts)), now=NOW, size=10_000)
    assert picture(other, windows) == picture(stores[trace], windows)
    assert stats.percentiles(other, Filter()) == stats.percentiles(stores[trace], Filter())
    assert stats.verify(other) == stats.verify(stores[trace])


@pytest.mark.parametrize("trace", TRACES)
def test_shuffled_and_repeated_events_in_any_batches_give_the_same_answers(trace: str, tmp_path: Path) -> None:
    runs = FOLDER / f"{trace}.runs.ndjson.gz"
    output = subprocess.run([sys.executable, FOLDER / "to_events.py", runs], capture_output=True, check=True).stdout
    facts = [decode_event(line) for line in output.splitlines()]
    windows = [(from_ms(w["start"]), from_ms(w["end"])) for w in answers(trace)["windows"].values()][:2]
    pictures = []
    for seed, size in ((None, 5000), (1, 10_000), (2, 700), (3, 4096)):
        arrived = list(facts)
        if seed is not None:
            chance = random.Random(seed)
            arrived += chance.sample(facts, len(facts) // 10)
            chance.shuffle(arrived)
        store = SqliteStore(tmp_path / f"{seed}.db")
        deliver(store, arrived, now=NOW, size=size)
        pictures.append(picture(store, windows))
        assert stats.verify(store)["differences"] == []
        store.close()
    assert all(shown == pictures[0] for shown in pictures)
    same_distribution(pictures[0]["stats"]["duration_ms"], answers(trace)["duration_ms_all_finished"])
