"""The figures of an account that was written by hand, and added up by hand."""

import pytest

from taskscope.demo.account import Begun, Ended, Entry, Killed, Left, Submitted
from taskscope.demo.tally import Bounds, tally

S, MS = 1_000_000_000, 1_000_000
GRAIN = 0.001


def begun(run: str, task: str, start_s: float, *, attempt: int = 1, worker: str = "w-1", limit_s: float = 60) -> Begun:
    low = round(start_s * S)
    return Begun(run, task, attempt, "parse", "reports", worker, limit_s, low, low + MS)


def submitted(task: str, time_s: float, attempt: int = 1) -> Submitted:
    return Submitted(task, attempt, round(time_s * S), round(time_s * S) + MS)


def whole(run: str, outcome: str, ms: int) -> list[Entry]:
    return [Ended(run, outcome, ms * MS), Left(run, (ms + 2) * MS)]


def exactly(figures: dict[str, Bounds], *names: str) -> list[float]:
    assert all(figures[name].low == figures[name].high for name in names)
    return [figures[name].low for name in names]


def test_a_task_that_is_tried_twice_counts_as_two_runs_and_one_task() -> None:
    figures = tally(
        [
            submitted("t", 1),
            begun("a", "t", 1.5),
            *whole("a", "retried", 100),
            submitted("t", 2, attempt=2),
            begun("b", "t", 2.25, attempt=2),
            *whole("b", "succeeded", 300),
        ],
        ttl_s=2,
    )
    assert exactly(figures, "submitted", "runs", "further attempts", "tasks") == [2, 2, 1, 1]
    assert exactly(figures, "succeeded", "failed", "tasks completed", "tasks failed") == [1, 1, 1, 0]
    assert figures["w-1: busy, ms"] == pytest.approx((400 - 2 * GRAIN, 404 + 2 * GRAIN))
    assert figures["waited, ms"] == pytest.approx((748 - 2 * GRAIN, 752 + 2 * GRAIN))


def test_a_run_whose_worker_is_killed_before_its_limit_is_lost_and_its_second_run_has_no_wait() -> None:
    figures = tally(
        [
            submitted("t", 1),
            begun("a", "t", 1, worker="w-2"),
            Killed("a", 4 * S, 4 * S + MS),
            begun("b", "t", 5),
            *whole("b", "succeeded", 10),
        ],
        ttl_s=2,
    )
    assert exactly(figures, "lost", "succeeded", "tasks completed", "waiting") == [1, 1, 1, 0]
    assert exactly(figures, "w-1: runs", "w-2: runs") == [1, 1]
    # Its last sign of life came at most 2 s before it was killed, 3 s after it began.
    assert figures["w-2: busy, ms"] == pytest.approx((999, 3001 + GRAIN))
    assert figures["waited, ms"].high == pytest.approx(1 + GRAIN)


def test_a_run_that_is_killed_beyond_its_limit_timed_out_there() -> None:
    figures = tally([submitted("t", 1), begun("a", "t", 1, limit_s=1.5), Killed("a", 3 * S, 4 * S)], ttl_s=2)
    assert exactly(figures, "timed out", "lost", "tasks failed", "w-1: busy, ms") == [1, 0, 1, 1500]


def test_what_is_not_over_is_waiting_or_running() -> None:
    figures = tally([submitted("t", 1), submitted("u", 1), begun("a", "t", 1)], ttl_s=2)
    assert exactly(figures, "waiting", "running", "tasks", "tasks completed", "tasks failed") == [1, 1, 2, 0, 0]
    assert "parse: p50, ms" not in figures


def test_percentiles_are_interpolated() -> None:
    entries: list[Entry] = []
    for number in range(1, 5):
        entries += [begun(str(number), str(number), number), *whole(str(number), "succeeded", 10 * number)]
    figures = tally(entries, ttl_s=2)
    assert figures["parse: p50, ms"] == pytest.approx((25 - GRAIN, 27 + GRAIN))
    assert figures["parse: p95, ms"] == pytest.approx((38.5 - GRAIN, 40.5 + GRAIN))
