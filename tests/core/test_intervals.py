"""Intervals against counting instants one by one."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from taskscope.core import intervals
from taskscope.core.clock import DAY, HOUR, MINUTE
from taskscope.core.intervals import WIDTHS, Interval

small = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: (min(pair), max(pair)))
some = st.lists(small, max_size=8)


def instants(parts: list[Interval]) -> set[int]:
    """Give every whole instant that the intervals cover."""
    return {t for start, end in parts for t in range(start, end)}


@given(some)
def test_the_union_covers_the_same_instants_in_disjoint_parts(parts: list[Interval]) -> None:
    merged = intervals.union(parts)
    assert instants(merged) == instants(parts)
    assert intervals.length(merged) == len(instants(parts))
    assert merged == sorted(merged)


@given(some, small)
def test_clipping_keeps_what_lies_inside(parts: list[Interval], window: Interval) -> None:
    assert instants(intervals.clip(parts, window)) == instants(parts) & instants([window])


@given(some, some)
def test_minus_measures_what_no_other_covers(parts: list[Interval], others: list[Interval]) -> None:
    assert intervals.minus(intervals.union(parts), others) == len(instants(parts) - instants(others))


@given(some, small)
def test_the_peak_is_the_greatest_number_at_any_instant_and_its_first(parts: list[Interval], window: Interval) -> None:
    levels = Counter(t for part in parts for t in instants([part]) & instants([window]))
    best = max(levels.values(), default=0)
    first = min((t for t, level in levels.items() if level == best), default=None)
    assert intervals.peak(parts, window) == (best, first)


def summed(busy: list[Interval]) -> dict[tuple[int, int], tuple[int, int]]:
    """Add up the rows of some runs, as cells do."""
    rows: dict[tuple[int, int], tuple[int, int]] = {}
    for run in busy:
        for kind, start, partial, level in intervals.spread(*run):
            known = rows.get((kind, start), (0, 0))
            rows[kind, start] = (known[0] + partial, known[1] + level)
    return rows


lengths = st.one_of(st.integers(1, 3), st.integers(1, 3 * MINUTE), st.integers(1, 3 * HOUR), st.integers(1, 150 * DAY))
edges = st.one_of(st.integers(0, 2 * DAY), st.sampled_from([0, MINUTE, HOUR, DAY, DAY - MINUTE, DAY - HOUR]))
runs = st.lists(st.tuples(edges, lengths).map(lambda run: (run[0], run[0] + run[1])), min_size=1, max_size=4)


@given(runs, st.sampled_from([0, 1, 2]))
def test_what_is_spread_over_cells_is_read_back_exactly(busy: list[Interval], granularity: int) -> None:
    rows = summed(busy)
    width = WIDTHS[granularity]
    low = busy[0][0] // width * width
    window = (low, low + 2000 * width if granularity < 2 else max(end for _, end in busy) // DAY * DAY + DAY)
    expected = {
        start: time
        for start in range(window[0], window[1], width)
        if (time := sum(intervals.overlap(run, (start, start + width)) for run in busy))
    }
    assert intervals.gather(rows, granularity, window) == expected


@given(edges, lengths)
def test_a_run_costs_twelve_rows_and_one_a_whole_day_at_most(start: int, length: int) -> None:
    assert sum(1 for _ in intervals.spread(start, start + length)) <= 12 + length // DAY


@given(edges, lengths)
def test_busy_time_is_conserved_at_every_granularity(start: int, length: int) -> None:
    rows = summed([(start, start + length)])
    window = (0, (start + length) // DAY * DAY + DAY)
    for granularity in (1, 2):
        assert sum(intervals.gather(rows, granularity, window).values()) == length
    if length < 3 * DAY:
        assert sum(intervals.gather(rows, 0, window).values()) == length
