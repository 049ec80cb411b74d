"""Packs say what the runs say: a store that is packed answers as one that never was, and as intervals laid by hand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from taskscope import stats
from taskscope.core import intervals
from taskscope.core.clock import HOUR, MINUTE, SECOND, from_text
from taskscope.core.packs import SLICE
from taskscope.ports import Filter
from taskscope.stats.packing import pack
from taskscope.testing import EVERYTHING, START, a_run, deliver, fact

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskscope.ingest import Fact

END = START + 4 * HOUR
WINDOWS = [
    (START // SLICE * SLICE, START // SLICE * SLICE + 3 * HOUR, MINUTE),
    (START + 7 * MINUTE, START + 3 * HOUR + 123_456, 7 * MINUTE),
    (START + 1, START + 2 * HOUR + 1, MINUTE),
    (START + HOUR, START + HOUR + 20 * MINUTE, 30 * SECOND),
    (START - HOUR, END + HOUR, HOUR),
]
FILTERS = [EVERYTHING, Filter(queues=["q1"]), Filter(queues=["q0", "q2"]), Filter(services=["default"])]


def workload(seed: int) -> list[Fact]:
    """Make runs of three hours: most short, some of hours, some open; two workers sign, the others never do."""
    chance = random.Random(seed)
    facts: list[Fact] = []
    for number in range(250):
        length = chance.choice([0, 0.5, 20, 90, 700, 3599, 3600, 7000]) * chance.uniform(0.5, 1)
        names: dict[str, Any] = {"job": f"j{number % 3}", "queue": f"q{number % 4}", "worker": f"w{number % 6}"}
        if number % 6 < 2:
            names |= {"boot": f"b{number % 6}", "run": f"r{number}"}
        start = chance.uniform(0, 3 * 3600)
        own = a_run(f"t{number}", start, length, chance.choice(["succeeded", "failed"]), **names)
        facts += own[: 2 if number % 40 == 7 else 3]
    for beat in range(0, 3 * 3600, 600):
        facts += [fact("worker.heartbeat", beat, worker="w0", boot="b0", data={"ttl_ms": 400_000, "queues": ["q3"]})]
    return [*facts, fact("worker.heartbeat", 4000, worker="w1", boot="b1")]


def answers(store: Any) -> list[Any]:
    """Ask about all windows, of all filters."""
    return [stats.utilization(store, where, *window) for window in WINDOWS for where in FILTERS]


@pytest.mark.parametrize("seed", range(3))
def test_a_packed_store_answers_as_one_that_is_not(open_store: Callable[[str], Any], seed: int) -> None:
    facts = workload(seed)
    plain, packed = open_store("plain"), open_store("packed")
    deliver(plain, facts)
    deliver(packed, facts[: len(facts) // 2])
    assert pack(packed, END + HOUR) > 0
    deliver(packed, facts[len(facts) // 2 :])
    expected = answers(plain)
    assert answers(packed) == expected  # some slices are void
    pack(packed, START + 2 * HOUR)
    assert answers(packed) == expected  # some are packed anew
    pack(packed, END + HOUR)
    assert answers(packed) == expected  # all are
    assert stats.verify(packed)["differences"] == []


def test_it_is_what_intervals_laid_by_hand_say(open_store: Callable[[str], Any]) -> None:
    store = open_store("store")
    runs = [(f"w{n % 3}", 37.0 * n, 37.0 * n + 10 + n * 11 % 1500) for n in range(120)]
    deliver(store, [f for n, (w, low, high) in enumerate(runs) for f in a_run(f"t{n}", low, high - low, worker=w)])
    pack(store, END + HOUR)
    window = (START // SLICE * SLICE, START // SLICE * SLICE + HOUR)
    answer = stats.utilization(store, EVERYTHING, *window)
    busy = [(w, START + round(low * SECOND), START + round(high * SECOND)) for w, low, high in runs]
    for row in answer["workers"]:
        own = [run[1:] for run in busy if run[0] == row["worker"]]
        overlaps = [
            sum(intervals.overlap(run, (low, low + MINUTE)) for run in own) / 1000 for low in range(*window, MINUTE)
        ]
        assert row["buckets"] == overlaps
        came, went = min(start for start, _ in own), max(end for _, end in own)
        assert row["present"] == [came < low + MINUTE and low <= went for low in range(*window, MINUTE)]
        there = intervals.clip([(came, went)], window)
        assert row["idle_ms"] == intervals.minus(there, own) / 1000
    most, first_at = intervals.peak([run[1:] for run in busy], window)
    assert answer["peak_concurrency"]["max"] == most
    assert from_text(answer["peak_concurrency"]["first_at"]) == first_at


def test_what_is_still_going_on_is_not_packed(open_store: Callable[[str], Any]) -> None:
    store = open_store("store")
    deliver(store, a_run("t", 0, 30, worker="w"))
    assert pack(store, START + 10 * SECOND) == 0
    assert pack(store, START + HOUR) > 0
    assert pack(store, START + HOUR) == 0
