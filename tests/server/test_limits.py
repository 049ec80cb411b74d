"""So much a second, and so much at once: against counting."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taskscope.server.access.limits import LIMIT_KEYS, Rate


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5), st.integers(1, 8))
def test_in_no_span_is_more_taken_than_the_rate_and_the_burst_allow(gaps: list[float], per_s: int, burst: int) -> None:
    now = 100.0
    rate = Rate(per_s, burst, lambda: now)
    taken: list[float] = []
    for gap in gaps:
        now += gap
        wait_s = rate.take("k")
        if not wait_s:
            taken.append(now)
        else:
            assert 0 < wait_s <= 1 / per_s + 1e-9
            assert abs(rate.wait_s("k") - wait_s) < 1e-9
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + per_s * (taken[last] - start) + 1e-6


def test_who_waits_as_long_as_told_may_go_on() -> None:
    now = 0.0
    rate = Rate(0.2, 2, lambda: now)
    assert [rate.take("k"), rate.take("k")] == [0, 0]
    now += rate.take("k")
    assert rate.take("k") == 0
    assert rate.take("k") > 0
    assert rate.take("another") == 0


def test_callers_without_number_take_no_memory_without_bound() -> None:
    rate = Rate(1, 1, lambda: 0.0)
    for n in range(LIMIT_KEYS + 100):
        rate.take(str(n))
    assert len(rate._levels) == LIMIT_KEYS
    assert rate.take(str(LIMIT_KEYS + 99)) > 0
