"""Percentiles against NumPy, and the two scales at their borders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskscope.core.health import health, severity
from taskscope.core.percentile import interpolate, percentile


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=50), st.floats(0, 1))
def test_percentiles_are_numpys_default(sample: list[int], quantile: float) -> None:
    expected = float(np.percentile(np.array(sample, dtype=np.float64), quantile * 100))
    assert percentile(sorted(sample), quantile) == pytest.approx(expected, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(("count", "quantile"), [(0, 0.5), (3, -0.1), (3, 1.1)])
def test_an_undefined_quantile_is_refused(count: int, quantile: float) -> None:
    with pytest.raises(ValueError, match="undefined"):
        interpolate(count, quantile, lambda rank: rank)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (None, "no_data"),
        (1.0, "healthy"),
        (0.95, "healthy"),
        (0.9499, "degraded"),
        (0.8, "degraded"),
        (0.7999, "unhealthy"),
    ],
)
def test_health_by_completeness(ratio: float | None, expected: str) -> None:
    assert health(ratio) == expected


@pytest.mark.parametrize(
    ("found", "expected", "level"),
    [
        (0, 0, None),
        (10, 10, "ok"),
        (9_999_999, 10_000_000, "low"),
        (95, 100, "low"),
        (94, 100, "medium"),
        (80, 100, "medium"),
        (79, 100, "high"),
        (50, 100, "high"),
        (49, 100, "critical"),
        (0, 1, "critical"),
    ],
)
def test_severity_by_what_is_missing(found: int, expected: int, level: str | None) -> None:
    assert severity(found, expected) == level
