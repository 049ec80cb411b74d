"""The law of plain tasks: settled in columns or one by one, everything that is stored is the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from taskscope import ingest, stats
from taskscope.core import intervals
from taskscope.core.cell_columns import spread, whole_days
from taskscope.core.clock import DAY, HOUR, MINUTE
from taskscope.core.events import canonical, content_hash
from taskscope.store.sqlite import SqliteStore
from tests.laws.strategies import LATEST, ORIGIN, calm_facts, edges
from tests.laws.test_oracle import FAST

if TYPE_CHECKING:
    from taskscope.core.events import Event


@st.composite
def tellings(draw: st.DrawFn) -> list[tuple[bool, list[Event] | int]]:
    """Shuffle, repeat, contradict and split facts, sweep in between; each batch goes in columns or not."""
    known = draw(calm_facts)
    again = draw(st.lists(st.sampled_from(known), max_size=3))
    other = [_altered(fact) for fact in draw(st.lists(st.sampled_from(known), max_size=2))]
    order = draw(st.permutations(known + again + other))
    steps: list[tuple[bool, list[Event] | int]] = []
    while order:
        size = draw(st.sampled_from([1, 2, 5, 12, 30]))
        batch, order = order[:size], order[size:]
        steps.append((draw(st.booleans()), batch))
        if draw(st.integers(0, 2)) == 2:
            steps.append((True, draw(edges)))
    return steps


def _altered(fact: Event) -> Event:
    """Give a fact with the same identity and other content."""
    other = type(fact)(*(getattr(fact, field) for field in fact.__struct_fields__))
    other.data = {"note": "other"}
    return other


def told(steps: list[tuple[bool, list[Event] | int]], now: int, *, columns: bool | None) -> tuple[list[Any], Any]:
    """Tell a new store; give the receipts, and all that it then holds. `columns` of None leaves it to the steps."""
    with TemporaryDirectory(dir=FAST) as folder:
        store = SqliteStore(Path(folder) / "store.db")
        receipts = []
        for together, step in steps:
            if isinstance(step, int):
                ingest.sweep(store, step)
                continue
            least = 1 if (together if columns is None else columns) else 10**9
            with patch.object(ingest, "TOGETHER_FACTS", least):
                receipts.append(ingest.accept(store, [(e, content_hash(e.id, canonical(e))) for e in step], now))
        assert stats.verify(store)["differences"] == []
        held = contents(store)
        store.close()
        return receipts, held


def contents(store: SqliteStore) -> dict[str, Any]:
    """Give everything that a store holds, by name."""
    with store.audit() as audit:
        tasks = [(*task[:-2], sorted(fact.event.key for fact in task.facts), task.limit) for task in audit.tasks()]
        cells = {key: (cell.counts, cell.histogram) for key, cell in audit.cells(sealed=False)}
        workers = dict(audit.worker_cells(sealed=False))
        boots = sorted((boot.key, boot.folded, boot.received, boot.worker, boot.queues) for boot in audit.boots())
    with store.questions() as questions:
        counters = questions.counters()
    return {"tasks": sorted(tasks), "cells": cells, "workers": workers, "boots": boots, "counters": counters}


@settings(deadline=None, max_examples=100)
@given(tellings(), st.sampled_from([LATEST, ORIGIN + HOUR]))
def test_columns_and_single_tasks_leave_the_same_store(steps: list[tuple[bool, list[Event] | int]], now: int) -> None:
    singly = told(steps, now, columns=False)
    assert told(steps, now, columns=True) == singly
    assert told(steps, now, columns=None) == singly


points = st.one_of(
    st.integers(0, 3 * DAY),
    st.sampled_from([MINUTE, HOUR, DAY, 2 * DAY]),
    st.sampled_from([MINUTE, HOUR, DAY]).flatmap(lambda width: st.sampled_from([width - 1, width + 1, 59 * width])),
)
lengths = st.one_of(points, st.just(0), st.integers(0, 200 * DAY))


@given(st.lists(st.tuples(points, lengths), min_size=1, max_size=6))
def test_intervals_are_laid_out_together_as_they_are_alone(drawn: list[tuple[int, int]]) -> None:
    start = np.array([start for start, _ in drawn])
    end = start + np.array([length for _, length in drawn])
    seen: Counter[tuple[int, ...]] = Counter()
    for granularity, place, cell, partial, level in spread(start, end):
        rows = np.broadcast_arrays(place, cell, partial, level)
        for which, at, busy, change in zip(*(row.tolist() for row in rows), strict=True):
            seen[which, granularity, at, 0] += busy
            seen[which, granularity, at, 1] += change
    days, which_days, counts = whole_days(start, end, np.arange(len(start)), np.ones(len(start), np.int64))
    for which, at, change in zip(which_days.tolist(), days.tolist(), counts.tolist(), strict=True):
        seen[which, 2, at, 1] += change
    expected: Counter[tuple[int, ...]] = Counter()
    for which, (low, high) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        for granularity, at, busy, change in intervals.spread(low, high):
            expected[which, granularity, at, 0] += busy
            expected[which, granularity, at, 1] += change
    assert {key: value for key, value in seen.items() if value} == {k: v for k, v in expected.items() if v}
