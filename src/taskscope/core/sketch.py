"""A mergeable histogram of durations: logarithmic buckets over integers, relative error at most 1 %.

A bucket holds the integers `low .. high` with `high <= low * 101 / 99`. Whatever value stands for it is wrong by the
factor that separates it from the two ends; the harmonic mean `2 low high / (low + high)` makes both sides equal to
`(high - low) / (high + low) <= 1 %`. The integers below 50 have a bucket each. This is
the guarantee of DDSketch (Masson, Rim, Lee, VLDB 2019), with integer bounds: a value falls into the same bucket on
every machine and for ever, or a contribution could not be taken back.

A histogram is a plain mapping of bucket number to count. Merging is addition, so it is commutative and associative,
and a difference is an honest value as well.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import TYPE_CHECKING

from taskscope.core.percentile import interpolate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Histogram = dict[int, int]

MAX_VALUE = 10**16
"""The longest duration that the buckets tell apart, in microseconds: 317 years."""
RELATIVE_ERROR = 0.01


def _lower_bounds() -> list[int]:
    bounds = [0, 1]
    while bounds[-1] <= MAX_VALUE:
        bounds.append(bounds[-1] * 101 // 99 + 1)
    return bounds


BOUNDS = _lower_bounds()
"""The least integer of each bucket, and behind them that of a bucket there is not."""


def bucket(value: int) -> int:
    """Give the number of the bucket that holds a non-negative integer; what is above `MAX_VALUE` shares the last."""
    return min(bisect_right(BOUNDS, value), len(BOUNDS) - 1) - 1


def bounds(number: int) -> tuple[int, int]:
    """Give the least and the greatest integer of a bucket."""
    return BOUNDS[number], BOUNDS[number + 1] - 1


def representative(number: int) -> float:
    """Give the value that stands for a bucket, at most 1 % away from each of its members."""
    low, high = bounds(number)
    return 2 * low * high / (low + high) if low < high else low


def of(values: Iterable[int]) -> Histogram:
    """Count values into a histogram."""
    counts: Histogram = {}
    for value in values:
        number = bucket(value)
        counts[number] = counts.get(number, 0) + 1
    return counts


def add(into: Histogram, other: Mapping[int, int], sign: int = 1) -> None:
    """Add another histogram, or take it back with `sign` -1; empty buckets disappear."""
    for number, count in other.items():
        total = into.get(number, 0) + sign * count
        if total:
            into[number] = total
        else:
            into.pop(number, None)


def total(histogram: Mapping[int, int]) -> int:
    """Count the values of a histogram."""
    return sum(histogram.values())


def quantiles(histogram: Mapping[int, int], wanted: Iterable[float]) -> list[float]:
    """Estimate quantiles, each within 1 % of what interpolation over the values themselves gives."""
    numbers = sorted(histogram)
    upto: list[int] = []
    count = 0
    for number in numbers:
        count += histogram[number]
        upto.append(count)

    def at(rank: int) -> float:
        return representative(numbers[bisect_right(upto, rank)])

    return [interpolate(count, quantile, at) for quantile in wanted]


_entry = struct.Struct("<Hq")


def pack(histogram: Mapping[int, int]) -> bytes:
    """Write a histogram as bytes, ordered by bucket: equal histograms give equal bytes."""
    return b"".join([_entry.pack(number, histogram[number]) for number in sorted(histogram)])


def unpack(packed: bytes | None) -> Histogram:
    """Read what `pack` wrote; None is empty."""
    return dict(_entry.iter_unpack(packed)) if packed else {}
