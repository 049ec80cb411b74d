"""The figures that follow from the account alone, by plain counting and the standard library.

Nothing in here knows Taskscope: the rules are written down a second time, from the definitions and not from its code.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from taskscope.demo.account import Begun, Ended, Entry, Killed, Left, Submitted

NS_PER_MS = 1_000_000
_GRAIN_NS = 1000  # Taskscope keeps microseconds, so it may round by one


class Bounds(NamedTuple):
    """The least and the greatest value that a figure may have; a count has only one."""

    low: float
    high: float


class Outcome(NamedTuple):
    """How a run ended, and how long it took, in nanoseconds."""

    run: Begun
    how: str
    low_ns: int
    high_ns: int


def tally(entries: Iterable[Entry], ttl_s: float) -> dict[str, Bounds]:
    """Give all figures by name; times are in milliseconds.

    Parameters
    ----------
    entries
        The account, the lines of each file in order.
    ttl_s
        How long a worker may be silent before its runs count as lost.
    """
    submissions: list[Submitted] = []
    begun: list[Begun] = []
    ended: dict[str, Ended] = {}
    left: dict[str, Left] = {}
    killed: dict[str, Killed] = {}
    for entry in entries:
        match entry:
            case Submitted():
                submissions.append(entry)
            case Begun():
                begun.append(entry)
            case Ended():
                ended[entry.run] = entry
            case Left():
                left[entry.run] = entry
            case Killed():
                killed[entry.run] = entry
    begun.sort(key=lambda run: run.low_ns)
    runs = [_outcome(run, ended.get(run.run), left.get(run.run), killed.get(run.run), ttl_s) for run in begun]
    return {**_counts(submissions, runs), **_tasks(submissions, runs), **_by_name(runs), **_waits(submissions, begun)}


def _outcome(run: Begun, ended: Ended | None, left: Left | None, killed: Killed | None, ttl_s: float) -> Outcome:
    if ended is not None:
        longest = ended.low_ns if left is None else left.high_ns
        return Outcome(run, ended.outcome, ended.low_ns - _GRAIN_NS, longest + _GRAIN_NS)
    if killed is None:
        return Outcome(run, "running", 0, 0)
    limit_ns = round(run.limit_s * 1e9)
    if run.high_ns + limit_ns <= killed.low_ns:
        return Outcome(run, "timed out", limit_ns, limit_ns)
    # It counts up to the last sign of life, which came at most the ttl before the end.
    shortest = max(0, killed.low_ns - round(ttl_s * 1e9) - run.high_ns)
    return Outcome(run, "lost", shortest, killed.high_ns - run.low_ns + _GRAIN_NS)


def _counts(submissions: list[Submitted], runs: list[Outcome]) -> dict[str, Bounds]:
    how = Counter(run.how for run in runs)
    taken = {(run.run.task, run.run.attempt) for run in runs}
    counts = {
        "submitted": len(submissions),
        "waiting": sum((order.task, order.attempt) not in taken for order in submissions),
        "runs": len(runs),
        "running": how["running"],
        "succeeded": how["succeeded"],
        "failed": how["failed"] + how["retried"],
        "timed out": how["timed out"],
        "lost": how["lost"],
        "cancelled": how["cancelled"],
        "further attempts": sum(run.run.attempt > 1 for run in runs),
    }
    return {name: Bounds(count, count) for name, count in counts.items()}


def _tasks(submissions: list[Submitted], runs: list[Outcome]) -> dict[str, Bounds]:
    """Count tasks by how they stand: the newest run of the greatest attempt decides."""
    standing: dict[str, tuple[int, str]] = {}
    for order in submissions:
        if order.attempt > standing.get(order.task, (0, ""))[0]:
            standing[order.task] = (order.attempt, "waiting")
    for run in runs:  # in the order of their start
        if run.run.attempt >= standing.get(run.run.task, (0, ""))[0]:
            standing[run.run.task] = (run.run.attempt, run.how)
    ends = Counter(how for _, how in standing.values())
    failed = sum(ends[how] for how in ("failed", "timed out", "lost"))
    counts = {"tasks": len(standing), "tasks completed": ends["succeeded"], "tasks failed": failed}
    return {name: Bounds(count, count) for name, count in counts.items()}


def _by_name(runs: list[Outcome]) -> dict[str, Bounds]:
    figures: dict[str, Bounds] = {}
    jobs: defaultdict[str, list[Outcome]] = defaultdict(list)
    workers: defaultdict[str, list[Outcome]] = defaultdict(list)
    for run in runs:
        jobs[run.run.job].append(run)
        workers[run.run.worker].append(run)
    for job, some in sorted(jobs.items()):
        figures[f"{job}: runs"] = Bounds(len(some), len(some))
        figures |= _percentiles(job, [run for run in some if run.how != "running"])
    for worker, some in sorted(workers.items()):
        figures[f"{worker}: runs"] = Bounds(len(some), len(some))
        figures[f"{worker}: busy, ms"] = _sum(some)
    return figures


def _percentiles(job: str, runs: list[Outcome]) -> dict[str, Bounds]:
    """Give the percentiles of both readings: these bound the percentiles of whatever lies between them."""
    if not runs:
        return {}
    low = [run.low_ns / NS_PER_MS for run in runs]
    high = [run.high_ns / NS_PER_MS for run in runs]
    return {
        f"{job}: p{percent}, ms": Bounds(_percentile(low, percent), _percentile(high, percent)) for percent in (50, 95)
    }


def _percentile(values: list[float], percent: int) -> float:
    # One value is its own percentile, and Python 3.11 asks for two.
    several = values if len(values) > 1 else values * 2
    return statistics.quantiles(several, n=100, method="inclusive")[percent - 1]


def _sum(runs: Iterable[Outcome]) -> Bounds:
    some = list(runs)
    return Bounds(sum(run.low_ns for run in some) / NS_PER_MS, sum(run.high_ns for run in some) / NS_PER_MS)


def _waits(submissions: list[Submitted], begun: list[Begun]) -> dict[str, Bounds]:
    """Add up the waits. Only the first run of an attempt has one: nobody submitted a second one."""
    orders = {(order.task, order.attempt): order for order in submissions}
    low = high = 0
    for run in begun:
        order = orders.pop((run.task, run.attempt), None)
        if order is not None:
            low += max(0, run.low_ns - order.high_ns - _GRAIN_NS)
            high += max(0, run.high_ns - order.low_ns + _GRAIN_NS)
    return {"waited, ms": Bounds(low / NS_PER_MS, high / NS_PER_MS)}
