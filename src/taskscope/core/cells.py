"""The additive cells that hold the statistics.

A cell holds only what can be added and taken back: counts, sums and histogram buckets. Two families of cells exist at
each granularity (minute, hour, day): by job and queue, and by worker and queue. What tasks add to them is decided in
`taskscope.core.contributions`, and how changes are gathered in `taskscope.core.deltas`.
"""

from __future__ import annotations

from taskscope.core import sketch

JOB_FIELDS = (
    "submitted",  # by submission time
    "begun",  # runs by anchor: with `gone` it tells what ran at any instant
    "taken",  # submissions that a run answered, when both were there: with `submitted` what waited at any instant
    "gone",  # runs that ended, by finish (never before the anchor)
    "succeeded",  # outcomes, by finish
    "failed",
    "timed_out",
    "cancelled",
    "lost",
    "inferred_timed_out",  # those among the outcomes that no fact states
    "inferred_lost",
    "skewed",  # by start, as waits
    "wait_count",
    "wait_us",
    "succeeded_count",  # runs with a known duration, by finish; the rest are of other outcomes
    "succeeded_us",
    "failed_count",
    "failed_us",
    "other_count",
    "other_us",
    "outputs",  # by finish
    "tasks_pending",  # tasks by first submission, in their present state
    "tasks_processing",
    "tasks_retrying",
    "tasks_completed",
    "tasks_failed",
    "tasks_cancelled",
)
WORKER_FIELDS = (
    "busy_us",  # time of runs that begin or end in this cell
    "level",  # change of the number of runs that cover cells whole
    "finished",  # by finish
    "succeeded",
    "exec_count",  # runs that were not cancelled, by finish ...
    "exec_us",  # ... with their whole duration
)

WAIT, OK, BAD, OTHER = range(4)
"""The four histograms of a job cell: waits; durations of succeeded, of failed, of other runs."""
HISTOGRAM_SPAN = 4096
"""A bucket of a kind has the number `kind * HISTOGRAM_SPAN + bucket`."""
POSITION = {name: position for position, name in enumerate(JOB_FIELDS)}
"""Where each count stands in a cell by job."""

_NO_COUNTS = [0] * len(JOB_FIELDS)

JobKey = tuple[int, int, str, str, str]
"""(granularity, start, service, job, queue)."""
WorkerKey = tuple[int, int, str, str, str]
"""(granularity, start, service, worker, queue)."""


class JobCell:
    """The additive value of a cell by job and queue: counts in the order of `JOB_FIELDS`, and four histograms."""

    __slots__ = ("counts", "histogram")

    def __init__(self, counts: list[int] | None = None, histogram: sketch.Histogram | None = None) -> None:
        """Make a cell, an empty one by default."""
        self.counts = list(counts) if counts else list(_NO_COUNTS)
        self.histogram: sketch.Histogram = dict(histogram) if histogram else {}

    def __bool__(self) -> bool:
        """Tell whether it holds anything."""
        return bool(self.histogram) or any(self.counts)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return isinstance(other, JobCell) and self.counts == other.counts and self.histogram == other.histogram

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Show what is not zero."""
        return f"JobCell({ {n: c for n, c in zip(JOB_FIELDS, self.counts, strict=True) if c} }, {self.histogram})"

    def __getitem__(self, field: str) -> int:
        """Give one count or sum by its name."""
        return self.counts[POSITION[field]]

    def add(self, other: JobCell, sign: int = 1) -> None:
        """Add another cell, or take it back."""
        counts = self.counts
        for position, count in enumerate(other.counts):
            if count:
                counts[position] += sign * count
        if other.histogram:
            sketch.add(self.histogram, other.histogram, sign)

    def observe(self, kind: int, value: int, sign: int) -> None:
        """Put a duration into one of the four histograms."""
        number = kind * HISTOGRAM_SPAN + sketch.bucket(value)
        count = self.histogram.get(number, 0) + sign
        if count:
            self.histogram[number] = count
        else:
            del self.histogram[number]

    def durations(self, *kinds: int) -> sketch.Histogram:
        """Give the merged histogram of some kinds."""
        merged: sketch.Histogram = {}
        for number, count in self.histogram.items():
            if number // HISTOGRAM_SPAN in kinds:
                bucket = number % HISTOGRAM_SPAN
                merged[bucket] = merged.get(bucket, 0) + count
        return merged
