"""Histograms of many cells at once: merged as arrays.

They are those of `taskscope.core.sketch`, packed as `sketch.pack` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taskscope.core import sketch

if TYPE_CHECKING:
    from collections.abc import Iterable

_ENTRY = np.dtype([("number", "<u2"), ("count", "<i8")])


def merge(packed: Iterable[bytes]) -> sketch.Histogram:
    """Add packed histograms up."""
    entries = np.frombuffer(b"".join(packed), _ENTRY)
    numbers = entries["number"].astype(np.int64)
    total = np.zeros(int(numbers.max(initial=-1)) + 1, np.int64)
    np.add.at(total, numbers, entries["count"].astype(np.int64))
    numbers = np.flatnonzero(total)
    return dict(zip(numbers.tolist(), total[numbers].tolist(), strict=True))
