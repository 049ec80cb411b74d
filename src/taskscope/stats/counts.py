"""Counts of a window by job: whole cells are added up, edges are counted run by run with the same rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope.core import lifecycle, sketch
from taskscope.core.cells import JOB_FIELDS, JobCell
from taskscope.core.contributions import Ending, Part, Standing, parts_of, task_field
from taskscope.core.deltas import Deltas
from taskscope.core.histograms import merge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Name, Questions, RunRow
    from taskscope.stats.windows import Cover

Counts = dict[tuple[str, str], JobCell]


class _Within(Deltas):
    """Counts only what happens inside of one window, by job."""

    def __init__(self, window: Interval, counts: Counts) -> None:
        super().__init__()
        self._window = window
        self._counts = counts
        self._elsewhere = JobCell()

    def _minute(self, part: Part, time: int) -> JobCell:
        if self._window[0] <= time < self._window[1]:
            cell = self._counts.get((part.service, part.job))
            if cell is None:
                cell = self._counts[part.service, part.job] = JobCell()
            return cell
        self._elsewhere.histogram.clear()
        return self._elsewhere

    def _spread(self, part: Ending, start: int, duration: int, sign: int) -> None:
        """Leave out what counts by worker."""


LEVELS = ("submitted", "begun", "taken", "gone")
"""The counts that tell what ran and what waited at the end of a window."""


def count(
    q: Questions,
    cover: Cover,
    where: Filter,
    fields: Sequence[str] = JOB_FIELDS,
    edges: dict[Interval, Counts] | None = None,
    *,
    histograms: bool = True,
) -> Counts:
    """Count everything that happened in a window, by (service, job).

    Parameters
    ----------
    fields
        The counts that are needed; the others may be too small.
    histograms
        Whether those of whole cells are needed; they are larger than all counts together.
    edges
        What is known of edges with this filter, and then of those of this window too: they are the dear part.
    """
    counts = q.totals(cover.cells, where, fields)
    known = {} if edges is None else edges
    for edge in cover.edges:
        if edge not in known:
            known[edge] = _of_edge(q, edge, where)
        for job, cell in known[edge].items():
            counts.setdefault(job, JobCell()).add(cell)
    if histograms:
        add_histograms(q, cover, where, counts)
    return counts


def add_histograms(q: Questions, cover: Cover, where: Filter, counts: Counts) -> None:
    """Add the histograms of whole cells to counts that were made without them."""
    for job, packed in q.histograms(cover.cells, where).items():
        counts[job].histogram = merge([*packed, sketch.pack(counts[job].histogram)])


def _of_edge(q: Questions, edge: Interval, where: Filter) -> Counts:
    """Count run by run."""
    counts: Counts = {}
    within = _Within(edge, counts)
    for row in q.touching([edge], where):
        for part in parts_of(row.service, row):
            within.apply(part, 1)
    for task in q.tasks_between(edge, where):
        field = task_field(task.state, cancelled=task.cancelled)
        within.apply(Standing(task.service, task.job, "", task.first, field), 1)
    return counts


def correct_tasks(q: Questions, counts: Counts, window: Interval, where: Filter) -> None:
    """Set tasks that changed after the window back to how they stood at its end."""
    for task, runs in q.tasks_changed(window, where):
        state, cancelled = state_at(runs, window[1])
        cell = counts.setdefault((task.service, task.job), JobCell())
        cell.counts[task_field(task.state, cancelled=task.cancelled)] -= 1
        cell.counts[task_field(state, cancelled=cancelled)] += 1


def state_at(runs: Iterable[RunRow], instant: int) -> tuple[str, bool]:
    """Give the state of a task as it stood at an instant, and whether it stood as cancelled.

    What had not happened yet is left out: runs that begin later, ends that come later. A submission whose run begins
    later still waits.
    """
    known = [row for row in runs if _known_since(row) < instant]
    if not known:
        return lifecycle.PENDING, False
    greatest = max(row.attempt for row in known)
    rows = [row for row in known if row.attempt == greatest]
    begun = [row for row in rows if not row.submission and row.anchor < instant]
    waiting = [row for row in rows if row.submission or row.anchor >= instant]
    last = max(begun, key=lambda row: (row.anchor, row.run), default=None)
    if last is None or any((row.due or 0) > last.anchor for row in waiting):
        return (lifecycle.PENDING if greatest == 1 else lifecycle.RETRYING), False
    if last.finish is None or last.finish >= instant:
        return lifecycle.PROCESSING, False
    if last.end_type == "task.retrying":
        return lifecycle.RETRYING, False
    state = lifecycle.COMPLETED if last.outcome == lifecycle.SUCCEEDED else lifecycle.FAILED
    return state, last.outcome == lifecycle.CANCELLED


def _known_since(row: RunRow) -> int:
    if row.submission:
        return row.anchor
    return row.anchor if row.submitted is None else min(row.anchor, row.submitted)


def total(counts: Counts) -> JobCell:
    """Add up the counts of all jobs."""
    everything = JobCell()
    for cell in counts.values():
        everything.add(cell)
    return everything


def names(counts: Counts) -> list[Name]:
    """List the jobs by name, then service."""
    return sorted(counts, key=lambda job: (job[1], job[0]))
