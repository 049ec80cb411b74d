"""The histogram keeps its stated error, and merging is addition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from taskscope.core import sketch

values = st.lists(
    st.one_of(st.integers(0, 200), st.integers(0, 10**9), st.integers(0, sketch.MAX_VALUE)), min_size=1, max_size=60
)
histograms = values.map(sketch.of)


@given(values, st.floats(0, 1))
def test_every_quantile_is_within_one_percent_of_numpy(sample: list[int], quantile: float) -> None:
    [estimate] = sketch.quantiles(sketch.of(sample), [quantile])
    exact = float(np.percentile(np.array(sample, dtype=np.float64), quantile * 100))
    assert abs(estimate - exact) <= exact * sketch.RELATIVE_ERROR * (1 + 1e-9)


@given(st.integers(0, sketch.MAX_VALUE))
def test_a_value_lies_in_its_bucket_and_its_bucket_stands_for_it_within_one_percent(value: int) -> None:
    number = sketch.bucket(value)
    low, high = sketch.bounds(number)
    assert low <= value <= high
    assert abs(sketch.representative(number) - value) <= value * sketch.RELATIVE_ERROR * (1 + 1e-12)


@given(histograms, histograms, histograms)
def test_merging_is_commutative_and_associative(a: sketch.Histogram, b: sketch.Histogram, c: sketch.Histogram) -> None:
    def merged(*parts: sketch.Histogram) -> sketch.Histogram:
        into: sketch.Histogram = {}
        for part in parts:
            sketch.add(into, part)
        return into

    assert merged(a, b) == merged(b, a)
    assert merged(merged(a, b), c) == merged(a, merged(b, c))


@given(values, values)
def test_what_is_taken_back_leaves_what_was_there(first: list[int], second: list[int]) -> None:
    whole = sketch.of(first + second)
    sketch.add(whole, sketch.of(second), -1)
    assert whole == sketch.of(first)


@given(histograms)
def test_packing_keeps_a_histogram_and_equal_ones_give_equal_bytes(histogram: sketch.Histogram) -> None:
    packed = sketch.pack(histogram)
    assert sketch.unpack(packed) == histogram
    assert sketch.pack(dict(reversed(histogram.items()))) == packed


def test_small_integers_have_a_bucket_each() -> None:
    assert [sketch.bounds(sketch.bucket(value)) for value in range(50)] == [(value, value) for value in range(50)]


def test_what_is_longer_than_the_longest_bucket_shares_it() -> None:
    assert sketch.bucket(10**30) == sketch.bucket(sketch.MAX_VALUE)
