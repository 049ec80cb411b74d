"""Histograms of many cells at once: merged as arrays, and what they say of their values.

They are those of `taskscope.core.sketch`, packed as `sketch.pack` does, four kinds in one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taskscope.core import sketch
from taskscope.core.cells import HISTOGRAM_SPAN, HISTOGRAMS
from taskscope.core.percentile import interpolate
from taskscope.core.spans import Ints

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ENTRY = np.dtype([("number", "<u2"), ("count", "<i8")])


def merge(packed: Iterable[bytes], more: Mapping[int, int] | None = None) -> Ints:
    """Add histograms up: a row for each kind, a column for each bucket."""
    total = np.zeros(HISTOGRAMS * HISTOGRAM_SPAN, np.int64)
    entries = np.frombuffer(b"".join(packed), _ENTRY)
    np.add.at(total, entries["number"].astype(np.int64), entries["count"].astype(np.int64))
    for number, count in (more or {}).items():
        total[number] += count
    return total.reshape(HISTOGRAMS, HISTOGRAM_SPAN)


def quantiles(counts: Ints, wanted: Iterable[float]) -> list[float]:
    """Estimate quantiles of the values behind the counts of buckets, as `sketch.quantiles` does."""
    numbers = np.flatnonzero(counts)
    upto = np.cumsum(counts[numbers])

    def at(rank: int) -> float:
        return sketch.representative(int(numbers[np.searchsorted(upto, rank, side="right")]))

    return [interpolate(int(upto[-1]), quantile, at) for quantile in wanted]


def bounds(counts: Ints) -> tuple[int, int]:
    """Give a least and a greatest value: none of those behind the counts lies outside."""
    numbers = np.flatnonzero(counts)
    return sketch.bounds(int(numbers[0]))[0], sketch.bounds(int(numbers[-1]))[1]
