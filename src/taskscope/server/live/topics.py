"""What can be followed: each topic with its filters, its picture, and how often time alone changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from taskscope import stats
from taskscope.core import lifecycle
from taskscope.core.clock import HOUR, MINUTE, to_text
from taskscope.core.refusal import NAME_LIMIT, shown
from taskscope.errors import UsageError
from taskscope.ports import Filter
from taskscope.stats.queues import queues_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from taskscope.ports import Store

RUNS = "runs"
PERFORMANCE = "performance"
MOST_RUNS = 50
"""How many of the newest runs a picture of them shows."""
MOST_NAMES = 100

_FIELDS = {
    "service": "services",
    "job": "jobs",
    "queue": "queues",
    "worker": "workers",
    "state": "states",
    "outcome": "outcomes",
}
_WORDS = {"state": lifecycle.STATES, "outcome": lifecycle.OUTCOMES}


class Topic(NamedTuple):
    """Something to follow.

    Attributes
    ----------
    fields
        What it can be filtered by.
    picture
        Draws it as it stands: from the store, the filter and the clock.
    every_s
        How often it is drawn again though nothing was written: time alone changes it.
    steady
        Whether it is sent at that pace and no other, changed or not.
    """

    fields: Sequence[str]
    picture: Callable[[Store, Filter, int], dict[str, Any]]
    every_s: float = 5.0
    steady: bool = False


def _overview(store: Store, where: Filter, now: int) -> dict[str, Any]:
    answer = stats.stats(store, where, max(0, now - HOUR) // MINUTE * MINUTE, None)
    del answer["jobs"]
    return answer


def _runs(store: Store, where: Filter, now: int) -> dict[str, Any]:  # noqa: ARG001 - all topics are drawn alike
    return stats.runs(store, where, limit=MOST_RUNS)


def _queues(store: Store, where: Filter, now: int) -> dict[str, Any]:  # noqa: ARG001 - all topics are drawn alike
    return {"items": queues_now(store, where)}


def _workers(store: Store, where: Filter, now: int) -> dict[str, Any]:
    with store.questions() as q:
        running: dict[tuple[str, str], int] = {}
        for row in q.presence((now, now + 1)):
            if _among(where.services, row.service) and _among(where.workers, row.worker):
                running[row.service, row.worker] = 0
        for run in q.open_runs(Filter(services=where.services, workers=where.workers)):
            if (run.service, run.worker) in running:
                running[run.service, run.worker] += 1
    items = [{"service": name[0], "worker": name[1], "running": running[name]} for name in sorted(running)]
    busy = sum(count > 0 for count in running.values())
    return {"present": len(items), "busy": busy, "idle": len(items) - busy, "items": items}


def _performance(store: Store, where: Filter, now: int) -> dict[str, Any]:
    queues, workers = _queues(store, where, now)["items"], _workers(store, where, now)
    del workers["items"]
    return {
        "at": to_text(now),
        "depth": sum(queue["depth"] for queue in queues),
        "running": sum(queue["running"] for queue in queues),
        "queues": queues,
        "workers": workers,
    }


def _among(wanted: Sequence[str] | None, name: str) -> bool:
    return wanted is None or name in wanted


def topics(performance_s: float) -> dict[str, Topic]:
    """List the topics by name.

    Parameters
    ----------
    performance_s
        How often the performance is told.
    """
    return {
        "overview": Topic(("service", "job", "queue"), _overview),
        RUNS: Topic(tuple(_FIELDS), _runs),
        "queues": Topic(("service", "queue"), _queues),
        "workers": Topic(("service", "worker"), _workers),
        PERFORMANCE: Topic(("service",), _performance, performance_s, steady=True),
    }


def read_filter(name: str, topic: Topic, asked: Mapping[str, Sequence[str]]) -> Filter:
    """Read a filter: for each field the values that are wanted.

    Raises
    ------
    UsageError
        The topic has no such field, or a value is none.
    """
    found: dict[str, Sequence[str] | None] = {}
    for field, values in asked.items():
        if field not in topic.fields:
            allowed = ", ".join(topic.fields)
            raise UsageError(f"{name} can't be filtered by {shown(field)}; use {allowed}")
        if not 1 <= len(values) <= MOST_NAMES:
            raise UsageError(f"{field} holds {len(values)} values; name 1 to {MOST_NAMES}, or leave it out")
        for value in values:
            if not 1 <= len(value) <= NAME_LIMIT or "\0" in value:
                raise UsageError(f"{field} holds {shown(value)}; names have 1 to {NAME_LIMIT} characters, and no NUL")
            if field in _WORDS and value not in _WORDS[field]:
                raise UsageError(f"{field} {shown(value)} is unknown; use one of {', '.join(_WORDS[field])}")
        found[_FIELDS[field]] = tuple(sorted(set(values)))  # the same filter, however it is written
    return Filter(**found)
