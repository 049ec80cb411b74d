"""The same figures as Taskscope shows them, under the names that the account uses."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from taskscope.core.clock import DAY, from_text
from taskscope.demo.stage import SERVICE
from taskscope.ports import Filter, Store
from taskscope.stats import percentiles, runs, stats, utilization

_WHERE = Filter(services=[SERVICE])
_PAGE = 1000
_ALL = 10_000_000
_COUNTS = {
    "submitted": "submitted",
    "waiting": "pending",
    "running": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "timed out": "timed_out",
    "lost": "lost",
    "cancelled": "cancelled",
}


def figures(store: Store, now: int) -> dict[str, float]:
    """Ask for everything that the account knows too; times are in milliseconds.

    Parameters
    ----------
    store
        Where the facts are.
    now
        Microseconds; what is asked about lies before.
    """
    answer = stats(store, _WHERE)
    listed = [run for run in _runs(store) if run["started_at"] is not None]
    found: dict[str, float] = {name: answer[field] for name, field in _COUNTS.items()}
    found["runs"] = len(listed)
    found["further attempts"] = sum(run["attempt"] > 1 for run in listed)
    found["tasks"] = answer["tasks"]["total"]
    found["tasks completed"] = answer["tasks"]["completed"]
    found["tasks failed"] = answer["tasks"]["failed"]
    for name, number in Counter(run["job"] for run in listed).items():
        found[f"{name}: runs"] = number
    for name, number in Counter(run["worker"] for run in listed).items():
        found |= {f"{name}: runs": number, f"{name}: busy, ms": 0}
    for job in answer["jobs"]:
        times = percentiles(store, _WHERE._replace(jobs=[job["job"]]), last=_ALL)
        if times["count"]:
            found |= {f"{job['job']}: p{percent}, ms": times[f"p{percent}"] for percent in (50, 95)}
    if answer["from"] is not None:
        # Whole days around it: all of it is then read from cells, and none from single runs.
        window = (from_text(answer["from"]) // DAY * DAY, now // DAY * DAY + DAY)
        workers = utilization(store, _WHERE, *window, DAY)["workers"]
        found |= {f"{worker['worker']}: busy, ms": worker["busy_ms"] for worker in workers if worker["busy_ms"]}
    waits = answer["wait_ms"]
    found["waited, ms"] = waits["avg"] * waits["count"] if waits["count"] else 0
    return found


def _runs(store: Store) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = runs(store, _WHERE, cursor=cursor, limit=_PAGE)
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return
