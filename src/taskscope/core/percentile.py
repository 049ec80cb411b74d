"""Percentiles by linear interpolation between order statistics (Hyndman and Fan 1996, type 7: NumPy's default)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def interpolate(count: int, quantile: float, at: Callable[[int], float]) -> float:
    """Interpolate the quantile of `count` sorted values that `at(rank)` yields, ranks from 0.

    Raises
    ------
    ValueError
        There is no value, or the quantile is outside of 0..1.
    """
    if count < 1 or not 0 <= quantile <= 1:
        message = f"a quantile of {quantile} over {count} values is undefined"
        raise ValueError(message)
    position = quantile * (count - 1)
    rank = int(position)
    low = at(rank)
    if rank + 1 >= count:
        return low
    return low + (at(rank + 1) - low) * (position - rank)


def percentile(ordered: Sequence[float], quantile: float) -> float:
    """Give the quantile of values that are sorted already."""
    return interpolate(len(ordered), quantile, ordered.__getitem__)
