"""How things stand now, in the few figures and the units (percent, 0 where there is nothing) that monitor pages ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.core.clock import ms
from taskscope.stats.counts import count, total
from taskscope.stats.windows import cover

if TYPE_CHECKING:
    from taskscope.ports import Filter, Store

_DURATIONS = ("succeeded", "failed", "other")


def monitor(store: Store, where: Filter, now: int) -> dict[str, Any]:
    """Answer how many tasks there are, run and ended, from all facts there are.

    `max_concurrent` is the sum of the limits that those workers told that are present now, each as of its newest word.
    """
    with store.questions() as q:
        cell = total(count(q, cover(q, None, None), where, histograms=False))
        present = [boot for service, boot in q.boots_present(now) if _among(where, service)]
    ended = cell["tasks_completed"] + cell["tasks_failed"]
    durations = sum(cell[f"{kind}_count"] for kind in _DURATIONS)
    return {
        "active_tasks": cell["begun"] - cell["gone"],
        "pending_tasks": cell["submitted"] - cell["taken"],
        "total_tasks": sum(cell[f"tasks_{state}"] for state in _STATES),
        "tasks_completed": cell["tasks_completed"],
        "tasks_failed": cell["tasks_failed"],
        "tasks_cancelled": cell["tasks_cancelled"],
        "tasks_retrying": cell["tasks_retrying"],
        "tasks_timeout": cell["timed_out"],
        "success_rate": 100 * cell["tasks_completed"] / ended if ended else 0,
        "avg_duration_ms": ms(sum(cell[f"{kind}_us"] for kind in _DURATIONS)) / durations if durations else 0,
        "max_concurrent": sum(boot.concurrency[2] for boot in present if boot.concurrency is not None),
    }


_STATES = ("pending", "processing", "retrying", "completed", "failed", "cancelled")


def _among(where: Filter, service: str) -> bool:
    return where.services is None or service in where.services
