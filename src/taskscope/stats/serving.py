"""Who serves which queue: now, and in the last minute that is over."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from taskscope.core.clock import MINUTE
from taskscope.core.intervals import overlap
from taskscope.ports import Filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.core.intervals import Interval
    from taskscope.ports import Name, PresenceRow, Questions

_EVERYTHING = Filter()


class Serving(msgspec.Struct):
    """Who serves a queue: the workers that are present, and how many runs they take at once, as far as they told."""

    workers: set[str]
    limit: int | None = None


def served_now(q: Questions, now: int) -> dict[Name, Serving]:
    """Give who serves each queue now: boots while their heartbeats last, workers without a boot by their runs."""
    found: defaultdict[Name, Serving] = defaultdict(lambda: Serving(set()))
    served = q.served((now, now + 1))
    for boot in q.boots_there(now):
        told = boot.folded.concurrency
        for queue in served.get(boot.number, ()):
            there = found[boot.service, queue]
            there.workers.add(boot.name)
            if told is not None:
                there.limit = (there.limit or 0) + told[2]
    bootless = {(row.service, row.worker) for row in q.presence((now, now + 1)) if row.boot == 0}
    ran = q.served_bootless() if bootless else {}
    for service, worker in bootless:
        for queue in ran.get((service, worker), ()):
            found[service, queue].workers.add(worker)
    return dict(found)


class Load(msgspec.Struct):
    """How busy the workers of a queue, or of a service, were in a minute.

    Active are those that were busy in it, idle those that were present, serve it and were busy in no queue.
    """

    active: int = 0
    idle: int = 0
    busy_us: int = 0

    @property
    def utilization(self) -> float | None:
        """The mean over active and idle workers; None without any."""
        workers = self.active + self.idle
        return self.busy_us / MINUTE / workers if workers else None


def last_minute(now: int) -> int:
    """Give the start of the last minute that is over."""
    return now // MINUTE * MINUTE - MINUTE


def loads(q: Questions, minute: int) -> tuple[dict[Name, Load], dict[str, Load]]:
    """Give how busy the workers of each queue and of each service were in a minute.

    The figures are those of `taskscope.stats.utilization` for this minute, of all queues at once.
    """
    window = (minute, minute + MINUTE)
    busy: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for service, worker, queue, time in q.busy_minute(minute):
        busy[service, worker, queue] += time
    for run in q.open_runs(_EVERYTHING):
        busy[run.service, run.worker, run.queue] += overlap((run.start, run.end), window)
    queues: defaultdict[Name, Load] = defaultdict(Load)
    services: defaultdict[str, Load] = defaultdict(Load)
    active = {(service, worker) for (service, worker, _), time in busy.items() if worker and time}
    for service, _ in active:
        services[service].active += 1
    for (service, worker, queue), time in busy.items():
        if worker and time:
            queues[service, queue].active += 1
            queues[service, queue].busy_us += time
            services[service].busy_us += time
    idle = [row for row in q.presence(window) if (row.service, row.worker) not in active]
    for service, worker in {(row.service, row.worker) for row in idle}:
        services[service].idle += bool(worker)
    for (service, queue), workers in _by_queue(q, window, idle).items():
        queues[service, queue].idle = len(workers)
    return dict(queues), dict(services)


def _by_queue(q: Questions, window: Interval, rows: Sequence[PresenceRow]) -> dict[Name, set[str]]:
    """Give the workers of some spans of presence by the queues that they serve."""
    served = q.served(window)
    ran = q.served_bootless() if any(row.boot == 0 for row in rows) else {}
    found: defaultdict[Name, set[str]] = defaultdict(set)
    for row in rows:
        queues = served.get(row.boot, set()) if row.boot else ran.get((row.service, row.worker), set())
        for queue in queues:
            found[row.service, queue].add(row.worker)
    return found
