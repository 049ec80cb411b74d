"""Queues: what waits, what runs, who serves, as it is now; and what went through in a window.

What is now is read from counters and from the ends of indexes, so the cost does not grow with what waits. The window
is widened to whole minutes, so it is read from cells alone; waits are estimated from their histogram.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from taskscope.core.cells import WAIT, JobCell
from taskscope.core.clock import MINUTE, ms, to_text
from taskscope.stats import cursors
from taskscope.stats.durations import estimated
from taskscope.stats.listing import DEFAULT_LIMIT, MAX_LIMIT
from taskscope.stats.serving import Serving, served_now
from taskscope.stats.windows import cover

if TYPE_CHECKING:
    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Name, Questions, Store

MOST_STUCK = 10_000
"""How many stuck submissions of a queue are counted; beyond that it is so many at least."""
_ALL = 1 << 62


class Waits(msgspec.Struct):
    """How long runs of the window waited, milliseconds; percentiles are within 1 %, `min` and `max` bounds."""

    count: int
    avg: float | None
    min: float | None
    max: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    method: str


class Queue(msgspec.Struct):
    """A queue of a service: how it stands now, and what went through in the window.

    Attributes
    ----------
    queue
        Its name; null for what names none.
    depth
        Submissions that no run has taken, now.
    oldest_due_at, oldest_waiting_ms
        When the one that waits longest was due, and how long ago that is; a due time to come has not waited yet.
    stuck
        Those that were due longer ago than `stuck_after_ms`; counted up to 10,000.
    running
        Runs that began and have not ended.
    limit
        How many the workers that are present may run at once, as they told it; null where none told. A worker that
        serves several queues counts in each.
    use
        `running` divided by `limit`.
    workers
        Workers that are present and serve it.
    submitted, finished, succeeded, failed, timed_out, cancelled, lost
        Of the window: submissions by their time, outcomes of runs by their finish.
    wait_ms
        Of the window, by start.
    """

    service: str
    queue: str | None
    depth: int
    oldest_due_at: str | None
    oldest_waiting_ms: float | None
    stuck: int
    running: int
    limit: int | None
    use: float | None
    workers: int
    submitted: int
    finished: int
    succeeded: int
    failed: int
    timed_out: int
    cancelled: int
    lost: int
    wait_ms: Waits


class Queues(msgspec.Struct):
    """A page of queues, by service and name."""

    now: str
    stuck_after_ms: float
    items: list[Queue]
    next_cursor: str | None
    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")


_OUTCOMES = ("succeeded", "failed", "timed_out", "cancelled", "lost")


def queues(
    store: Store,
    where: Filter,
    window: Interval,
    now: int,
    *,
    stuck_after: int,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Queues:
    """Answer how the queues of some services stand, by service and name, a page at a time.

    Parameters
    ----------
    window
        What counts of the past are of; it is widened to whole minutes.
    stuck_after
        How long something may wait before it is stuck, microseconds.

    Raises
    ------
    UsageError
        The cursor is none that an earlier page gave, or the limit is out of range.
    """
    cursors.checked(limit, MAX_LIMIT)
    after = None if cursor is None else cursors.read(cursor, tuple[str, str])
    low, high = window[0] // MINUTE * MINUTE, -(-window[1] // MINUTE) * MINUTE
    with store.questions() as q:
        levels = _levels(q)
        serving = served_now(q, now)
        known = sorted(
            name for name in levels.keys() | serving.keys() if _among(where, name) and (after is None or name > after)
        )
        chosen = known[:limit]
        page = where._replace(queues=[queue for _, queue in chosen])
        flows: defaultdict[Name, JobCell] = defaultdict(JobCell)
        widened = cover(q, low, high)
        for granularity, interval in widened.cells:
            for name, cell in q.queue_cells(granularity, interval, page):
                flows[name].add(cell)
        waiting = q.waiting(now - stuck_after, MOST_STUCK)
    items = []
    for name in chosen:
        depth, running = levels.get(name, (0, 0))
        due, stuck = waiting.get(name, (None, 0))
        there = serving.get(name) or Serving(set())
        flow = flows[name]
        outcomes = {outcome: flow[outcome] for outcome in _OUTCOMES}
        items.append(
            Queue(
                service=name[0],
                queue=name[1] or None,
                depth=depth,
                oldest_due_at=None if due is None else to_text(due),
                oldest_waiting_ms=None if due is None else ms(max(0, now - due)),
                stuck=stuck,
                running=running,
                limit=there.limit,
                use=running / there.limit if there.limit else None,
                workers=len(there.workers),
                submitted=flow["submitted"],
                finished=sum(outcomes.values()),
                **outcomes,
                wait_ms=_waits(flow),
            )
        )
    return Queues(
        to_text(now),
        ms(stuck_after),
        items,
        cursors.write(chosen[-1]) if len(known) > limit else None,
        to_text(widened.window[0]),
        to_text(widened.window[1]),
    )


def queues_now(store: Store, where: Filter) -> list[dict[str, Any]]:
    """Tell how the queues stand that hold or run something, by service and name; the clock has no part in it."""
    with store.questions() as q:
        levels = _levels(q)
        waiting = q.waiting(0, 0)
    items = []
    for name in sorted(name for name, level in levels.items() if any(level) and _among(where, name)):
        depth, running = levels[name]
        due = waiting[name].due if name in waiting else None
        oldest = None if due is None else to_text(due)
        items.append(
            {"service": name[0], "queue": name[1] or None, "depth": depth, "oldest_due_at": oldest, "running": running}
        )
    return items


def _waits(flow: JobCell) -> Waits:
    found: dict[str, Any] = estimated(flow, WAIT)
    return Waits(**{field: found[field] for field in Waits.__struct_fields__})


def _levels(q: Questions) -> dict[Name, tuple[int, int]]:
    """Give (depth, running) of each queue that was ever used."""
    found: dict[Name, tuple[int, int]] = {}
    for (service, _, queue), series in q.series(_ALL).items():
        depth, running = found.get((service, queue), (0, 0))
        found[service, queue] = (depth + series.pending, running + series.running)
    return found


def _among(where: Filter, name: Name) -> bool:
    return (where.services is None or name[0] in where.services) and (where.queues is None or name[1] in where.queues)
