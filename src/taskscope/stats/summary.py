"""The counts, rates, durations and waits of a window, in all and by job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.core.cells import OK, WAIT, JobCell
from taskscope.core.clock import to_text
from taskscope.core.spans import ints
from taskscope.stats.counts import LEVELS, add_histograms, correct_tasks, count, names, total
from taskscope.stats.durations import CLASSES, EXACT_UP_TO, estimated, exact, joined
from taskscope.stats.gaps import gaps
from taskscope.stats.windows import cover

if TYPE_CHECKING:
    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Name, Questions, Store
    from taskscope.stats.counts import Counts
    from taskscope.stats.windows import Cover

_FLOWS = ("submitted", "succeeded", "failed", "timed_out", "cancelled", "lost")
_NO_LENGTHS = (ints([]), ints([]), ints([]))
_TASKS = ("pending", "processing", "retrying", "completed", "failed", "cancelled")


def stats(store: Store, where: Filter, start: int | None = None, end: int | None = None) -> dict[str, Any]:
    """Answer what happened between two instants; without them, all there is.

    Submissions count by their time, waits by start, outcomes and durations by finish; running, pending and the
    states of tasks are as they stood at the end of the window.
    """
    with store.questions() as q:
        window = cover(q, start, end)
        edges: dict[Interval, Counts] = {}
        flows = count(q, window, where, edges=edges, histograms=False)
        levels = (
            flows
            if start is None
            else count(q, cover(q, None, window.window[1]), where, LEVELS, edges, histograms=False)
        )
        if end is not None:
            correct_tasks(q, flows, window.window, where)
        spread = _Distributions(q, window, where, flows)
        missing = gaps(q, where, start, end)
    everything = {
        "from": to_text(window.window[0]) if window.window[1] else None,
        "to": to_text(window.window[1]) if window.window[1] else None,
        **_block(total(flows), total(levels), spread, None),
        "gaps": missing,
    }
    jobs = names(flows | {job: cell for job, cell in levels.items() if _running(cell) or _pending(cell)})
    everything["jobs"] = [
        {
            "job": job[1] or None,
            "service": job[0],
            **_block(flows.get(job, JobCell()), levels.get(job, JobCell()), spread, job),
        }
        for job in jobs
    ]
    return everything


class _Distributions:
    """The durations and waits of a window: of single runs, or where those are too many or gone, of histograms."""

    def __init__(self, q: Questions, window: Cover, where: Filter, flows: Counts) -> None:
        everything = total(flows)
        finished = sum(everything[f"{name}_count"] for name in ("succeeded", "failed", "other"))
        self.exact = not window.sealed and max(finished, everything["wait_count"]) <= EXACT_UP_TO
        if self.exact:
            self._lengths, self._waits = q.lengths(window.window, where), q.waits(window.window, where)
            return
        add_histograms(q, window, where, flows)

    def blocks(self, job: Name | None, cell: JobCell) -> dict[str, Any]:
        """Describe one job, or all with None."""
        if not self.exact:
            found = {name: estimated(cell, *kinds) for name, kinds in CLASSES.items()}
            return {**found, "wait_ms": estimated(cell, WAIT)}
        lengths = list(self._lengths.values()) if job is None else [self._lengths.get(job, _NO_LENGTHS)]
        waits = self._waits.values() if job is None else [self._waits.get(job, _NO_LENGTHS[0])]
        found = {
            name: exact(joined(of[kind - OK] for of in lengths for kind in kinds)) for name, kinds in CLASSES.items()
        }
        return {**found, "wait_ms": exact(joined(waits))}


def _block(flow: JobCell, level: JobCell, spread: _Distributions, job: Name | None) -> dict[str, Any]:
    tasks = {name: flow[f"tasks_{name}"] for name in _TASKS}
    ended = [flow[name] for name in ("succeeded", "failed", "timed_out", "lost")]
    return {
        **{name: flow[name] for name in _FLOWS},
        "running": _running(level),
        "pending": _pending(level),
        "skewed": flow["skewed"],
        "inferred": flow["inferred_timed_out"] + flow["inferred_lost"],
        "success_rate": ratio(flow["succeeded"], sum(ended)),
        "task_success_rate": ratio(tasks["completed"], tasks["completed"] + tasks["failed"]),
        "tasks": {"total": sum(tasks.values()), **tasks},
        **spread.blocks(job, flow),
    }


def _running(level: JobCell) -> int:
    return level["begun"] - level["gone"]


def _pending(level: JobCell) -> int:
    return level["submitted"] - level["taken"]


def ratio(part: int, whole: int) -> float | None:
    """Divide, with None where there is nothing: never 0 or 1 by default."""
    return part / whole if whole else None
