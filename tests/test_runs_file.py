"""History from a runs file: every figure equals what follows from its lines alone, without any event between."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskscope import stats
from taskscope.core.clock import DAY, MINUTE
from taskscope.core.runsfile import convert_run
from taskscope.ports import Filter
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import START, deliver

FIRST_MS = START // 1000
NOW = START + 400 * DAY
WINDOW = (START, START + 30 * MINUTE)

waits = st.one_of(st.integers(0, 60_000), st.integers(-30_000, 5), st.just(0))
lengths = st.one_of(
    st.integers(0, 5), st.integers(0, 200_000), st.integers(0, 7_200_000), st.just(150 * 86_400_000), st.just(0.001)
)


@st.composite
def run_lines(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Make lines of different (task, attempt), with everything that a source may not know."""
    lines = []
    for task in range(draw(st.integers(1, 6))):
        for attempt in range(1, draw(st.integers(1, 3)) + 1):
            status = draw(st.sampled_from(["succeeded"] * 3 + ["failed", "timeout", "cancelled", "running", "pending"]))
            started = FIRST_MS + draw(st.integers(0, 2_000_000))
            knows_start = status != "pending" and (status in {"succeeded", "running"} or draw(st.booleans()))
            ended = status not in {"running", "pending"}
            lines.append(
                {
                    "task_id": f"t{task}",
                    "attempt": attempt,
                    "job": draw(st.sampled_from(["a", "b"])),
                    "queue": draw(st.sampled_from(["q", None])),
                    "worker": draw(st.sampled_from(["v", "w", None])),
                    "submitted_at": max(0, started - draw(waits)),
                    "started_at": started if knows_start else None,
                    "finished_at": started + draw(lengths) if ended else None,
                    "status": status,
                    "attrs": {"wait_known": False} if draw(st.integers(0, 5)) == 0 else {},
                }
            )
    return lines


def close(block: dict[str, Any], values: list[float]) -> None:
    """Compare a block with NumPy's figures of the values."""
    assert block["count"] == len(values)
    if not values:
        assert block["p50"] is None
        return
    found = [block[name] for name in ("avg", "min", "max", "p50", "p95", "p99")]
    expected = [np.mean(values), min(values), max(values), *np.percentile(values, [50, 95, 99])]
    assert found == pytest.approx(
        [float(value) for value in expected], rel=1e-9, abs=1e-3
    )  # epoch milliseconds as floats


@settings(deadline=None, max_examples=120)
@given(run_lines(), st.randoms(use_true_random=False))
def test_every_figure_follows_from_the_lines(lines: list[dict[str, Any]], random: Any) -> None:
    facts = [fact for line in lines for fact in convert_run(line)]
    random.shuffle(facts)
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.db")
        deliver(store, facts, now=NOW, size=random.randrange(1, 20))
        deliver(store, facts, now=NOW)
        shown = stats.stats(store, Filter())
        load = stats.utilization(store, Filter(), *WINDOW)
        differences = stats.verify(store)["differences"]
        store.close()
    assert differences == []
    of = {status: [line for line in lines if line["status"] == status] for status in {line["status"] for line in lines}}
    for status in ("succeeded", "failed", "cancelled", "running", "pending"):
        assert shown[status] == len(of.get(status, [])), status
    assert shown["timed_out"] == len(of.get("timeout", []))
    assert shown["submitted"] == len(lines)
    ended = sum(len(of.get(status, [])) for status in ("succeeded", "failed", "timeout"))
    assert shown["success_rate"] == (len(of.get("succeeded", [])) / ended if ended else None)
    begun = [line for line in lines if line["started_at"] is not None]
    known = [line for line in begun if line["attrs"].get("wait_known") is not False]
    close(shown["wait_ms"], [max(0, line["started_at"] - line["submitted_at"]) for line in known])
    assert shown["skewed"] == sum(line["started_at"] < line["submitted_at"] for line in known)
    finished = [line for line in begun if line["finished_at"] is not None]
    close(shown["duration_ms"], [line["finished_at"] - line["started_at"] for line in finished])
    _same_load(load, finished)


def _same_load(load: dict[str, Any], finished: list[dict[str, Any]]) -> None:
    """Clip every run at every minute, and count those that overlap at every start."""
    low, high = WINDOW[0] / 1000, WINDOW[1] / 1000
    for position, bucket in enumerate(load["buckets"]):
        start, end = low + position * 60_000, low + (position + 1) * 60_000
        clipped = [min(r["finished_at"], end) - max(r["started_at"], start) for r in finished]
        assert bucket["busy_ms"] == pytest.approx(sum(max(0, part) for part in clipped), abs=1e-2)
    for worker in load["workers"]:
        own = [r for r in finished if r["worker"] == worker["worker"]]
        clipped = [min(r["finished_at"], high) - max(r["started_at"], low) for r in own]
        assert worker["busy_ms"] == pytest.approx(sum(max(0, part) for part in clipped), abs=1e-2)
    spans = [(max(r["started_at"], low), min(r["finished_at"], high)) for r in finished]
    spans = [span for span in spans if span[0] < span[1]]
    peaks = [sum(s <= at < e for s, e in spans) for at, _ in spans]
    assert load["peak_concurrency"]["max"] == max(peaks, default=0)
