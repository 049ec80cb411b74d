"""Counters as a scraper of metrics needs them: they never fall, whatever late facts say.

Truth may fall: a late fact can move a run to another job, give it another end or a shorter duration. A counter that
follows it down looks like a restart to whoever reads it, and all that was counted would be counted again. So of each
series two values are kept: what is true, and the greatest value that this ever was at the end of a transaction. The
second is exported until the first passes it; what was taken back is counted on its own.

Series are those of one (service, job, queue): a vector of counts, whose changes are worked out of the changes of the
day cells. Only what facts state is counted. What is inferred may become untrue by itself, so it is shown as a gauge.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING

import msgspec

from taskscope.core import sketch
from taskscope.core.cells import BAD, OK, POSITION, WAIT
from taskscope.core.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from taskscope.core.cells import JobCell, JobKey
    from taskscope.core.sketch import Histogram

MOST_SERIES = 10_000
"""How many (service, job, queue) are exported, the first that came; the rest is refused, and counted."""

BOUNDS_S = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
    *(1800.0, 3600.0, 7200.0, 21600.0, 86400.0),
)
"""The upper bounds of the exported buckets, seconds; the last bucket has none.

A bound lies within one bucket of the sketch, and all of that bucket counts below it: a run that took up to 2 % longer
may be counted there, one that took exactly as long as the bound (a time limit, mostly) always is.
"""

OBSERVED = ("succeeded", "failed", "timed_out", "cancelled", "lost")
_PLAIN = ("submitted", *OBSERVED, "skewed", "wait_us", "succeeded_us", "failed_us")
HISTOGRAMS = {WAIT: "wait", OK: "succeeded", BAD: "failed"}
BUCKETS = len(BOUNDS_S) + 1
_LEVELS = ("begun", "gone", "taken", "inferred_timed_out", "inferred_lost")

COUNTED = len(_PLAIN) + len(HISTOGRAMS) * BUCKETS
"""How many of the values are counters, which stand in front; the levels behind them may fall."""
LENGTH = COUNTED + len(_LEVELS)
PLACE = {name: place for place, name in enumerate(_PLAIN)}
PLACE |= {name: COUNTED + place for place, name in enumerate(_LEVELS)}
FIRST = {name: len(_PLAIN) + place * BUCKETS for place, name in enumerate(HISTOGRAMS.values())}
_PLAIN_PLACES = [POSITION[name] for name in _PLAIN]
_LEVEL_PLACES = [POSITION[name] for name in _LEVELS]
INFERRED = {"timed_out": "inferred_timed_out", "lost": "inferred_lost"}
_OBSERVED_PLACES = [(PLACE[name], POSITION[inferred]) for name, inferred in INFERRED.items()]
"""Outcomes of which a part is only inferred, and where that part stands in a cell."""

_BOUNDS = [sketch.bucket(round(bound * SECOND)) for bound in BOUNDS_S]
BUCKET_OF = tuple(bisect_left(_BOUNDS, number) for number in range(sketch.bucket(sketch.MAX_VALUE) + 1))
"""For each bucket of the sketch, the exported one that it counts in."""

Vector = list[int]


class Series(msgspec.Struct, array_like=True, gc=False):
    """What is kept of one (service, job, queue).

    Attributes
    ----------
    truth
        What all its day cells add up to.
    held
        The greatest values that the counters ever had.
    corrected
        How much was taken back from the counts of submissions and outcomes, in all.
    """

    truth: Vector
    held: Vector
    corrected: int = 0

    def count(self, name: str) -> int:
        """Give a counter: `submitted`, an outcome, or a sum in microseconds."""
        return self.held[PLACE[name]]

    def level(self, name: str) -> int:
        """Give a level as it is true now; of the inferred outcomes too."""
        return self.truth[PLACE[name]]

    def buckets(self, name: str) -> Vector:
        """Give the counts up to each of `BOUNDS_S`, and of all, of `wait`, `succeeded` or `failed` runs."""
        first = FIRST[name]
        return self.held[first : first + BUCKETS]

    @property
    def pending(self) -> int:
        """Submissions that no run has taken."""
        return self.level("submitted") - self.level("taken")

    @property
    def running(self) -> int:
        """Runs that began and have not ended."""
        return self.level("begun") - self.level("gone")


def empty() -> Series:
    """Make a series of nothing."""
    return Series([0] * LENGTH, [0] * COUNTED)


def vector(cell: JobCell) -> Vector:
    """Read the values off a cell, or off a change of one."""
    counts = cell.counts
    found = [counts[place] for place in _PLAIN_PLACES]
    for outcome, inferred in _OBSERVED_PLACES:
        found[outcome] -= counts[inferred]
    for kind in HISTOGRAMS:
        found += _cumulative(cell.durations(kind))
    return found + [counts[place] for place in _LEVEL_PLACES]


def _cumulative(histogram: Histogram) -> Vector:
    counts = [0] * BUCKETS
    for number, count in histogram.items():
        counts[BUCKET_OF[number]] += count
    return list(accumulate(counts))


def changes(cells: Mapping[JobKey, JobCell]) -> dict[tuple[str, str, str], Vector]:
    """Give what changes of cells mean for each (service, job, queue): days alone, as they hold everything once."""
    found: dict[tuple[str, str, str], Vector] = {}
    for (granularity, _, service, job, queue), cell in cells.items():
        if granularity != _DAYS:
            continue
        key = (service, job, queue)
        found[key] = _sum(found[key], vector(cell)) if key in found else vector(cell)
    return {key: change for key, change in found.items() if any(change)}


_DAYS = 2
_CORRECTED = 1 + len(OBSERVED)


def added(*changed: Mapping[tuple[str, str, str], Vector]) -> dict[tuple[str, str, str], Vector]:
    """Add up changes that were worked out apart."""
    found: dict[tuple[str, str, str], Vector] = {}
    for changes in changed:
        for key, by in changes.items():
            found[key] = _sum(found[key], by) if key in found else by
    return found


def change(series: Series, by: Vector) -> Series:
    """Add a change: the truth follows, the counters hold the greatest value."""
    truth = _sum(series.truth, by)
    held = list(map(max, series.held, truth))
    taken_back = -sum(value for value in by[:_CORRECTED] if value < 0)
    return Series(truth, held, series.corrected + taken_back)


def total(series: Iterable[Series]) -> Series:
    """Add up several: sums of what never falls never fall."""
    found = empty()
    for one in series:
        found = Series(_sum(found.truth, one.truth), _sum(found.held, one.held), found.corrected + one.corrected)
    return found


def _sum(a: Vector, b: Vector) -> Vector:
    return list(map(add, a, b))


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Series] = msgspec.msgpack.Decoder(Series)


def pack(series: Series) -> bytes:
    """Write a series as bytes."""
    return _encoder.encode(series)


def unpack(packed: bytes) -> Series:
    """Read what `pack` wrote."""
    return _decoder.decode(packed)
