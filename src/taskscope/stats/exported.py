"""What Prometheus is told: one consistent view of a store, of which any server gives the same.

Counts, sums and histograms are the counters of `taskscope.core.counters`, which never fall. All else is as it is now,
or as it was in the last minute that is over.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from taskscope.core import counters
from taskscope.core.clock import HOUR, from_text
from taskscope.ports import Filter
from taskscope.stats.scheduling import of_series
from taskscope.stats.serving import Load, last_minute, loads, served_now

if TYPE_CHECKING:
    from taskscope.core.counters import Series
    from taskscope.core.registry import Job
    from taskscope.ports import BootRow, Name, Questions, Store

MOST_STUCK = 10_000
VANISHED_US = HOUR
"""For how long a worker that went without a word is told of."""
_EVERYTHING = Filter()
_FAILURES = ("failed", "timed_out", "lost")
_REASONS = ("conflict", "future", "malformed", "names", "retention")
VERIFIED = "verify.at"
DIFFERENCES = "verify.differences"


class Queue(msgspec.Struct):
    """A queue as it is now; limit and oldest are None where nobody told one and where nothing waits."""

    depth: int = 0
    running: int = 0
    oldest_us: int | None = None
    stuck: int = 0
    present: int = 0
    limit: int | None = None
    load: Load = msgspec.field(default_factory=Load)


class Service(msgspec.Struct):
    """The workers of a service: present now, gone without a word in the last hour, and their load."""

    present: int = 0
    vanished: int = 0
    load: Load = msgspec.field(default_factory=Load)


class Exported(msgspec.Struct):
    """All that is told; jobs, queues and series by their names."""

    series: dict[tuple[str, str, str], Series]
    refused: int
    registered: dict[Name, Job]
    finishes: dict[Name, int]
    queues: dict[Name, Queue]
    services: dict[str, Service]
    notes: dict[str, int]
    received: int | None
    size_bytes: int
    gaps: dict[str, int]

    def facts_refused(self) -> dict[str, int]:
        """Give how many facts were refused, by reason; a counter that begins above 0 hides its first increase."""
        found = {key[8:]: count for key, count in self.notes.items() if key.startswith("refused.")}
        return dict.fromkeys(_REASONS, 0) | found


def exported(store: Store, now: int, *, stuck_after: int) -> Exported:
    """Gather all that is told, at most `counters.MOST_SERIES` series of it."""
    with store.questions() as q:
        series = q.series(counters.MOST_SERIES)
        registered = q.registered(_EVERYTHING)
        jobs = {(service, job) for service, job, _ in series if job}
        jobs.update(sorted(registered.keys() - jobs)[: counters.MOST_SERIES - len(jobs)])
        refused = max(0, q.series_count() - counters.MOST_SERIES)
        gaps = {"task": 0, "extra": 0}
        for gap in q.gaps(_EVERYTHING):
            gaps["extra" if gap.droppable else "task"] += gap.dropped
        by_queue, by_service = loads(q, last_minute(now))
        return Exported(
            series=dict(sorted(series.items())),
            refused=refused,
            registered={name: job for name, job in sorted(registered.items()) if name in jobs},
            finishes={name: time for name, time in sorted(q.last_finishes().items()) if name in jobs},
            queues=_queues(q, now, stuck_after, series, by_queue),
            services=_services(q, now, series, by_service),
            notes=q.notes(),
            received=q.received(),
            size_bytes=q.size_bytes(),
            gaps=gaps,
        )


def _queues(
    q: Questions, now: int, stuck_after: int, series: dict[tuple[str, str, str], Series], by_queue: dict[Name, Load]
) -> dict[Name, Queue]:
    found: defaultdict[Name, Queue] = defaultdict(Queue)
    for (service, _, queue), one in series.items():
        found[service, queue].depth += one.pending
        found[service, queue].running += one.running
    for name, serving in served_now(q, now).items():
        if name in found or len(found) < counters.MOST_SERIES:
            found[name].present, found[name].limit = len(serving.workers), serving.limit
    for name, waiting in q.waiting(now - stuck_after, MOST_STUCK).items():
        if name in found and waiting.due is not None:
            found[name].oldest_us, found[name].stuck = max(0, now - waiting.due), waiting.older
    for name, load in by_queue.items():
        if name in found:
            found[name].load = load
    return dict(sorted(found.items()))


def _services(
    q: Questions, now: int, series: dict[tuple[str, str, str], Series], by_service: dict[str, Load]
) -> dict[str, Service]:
    found: defaultdict[str, Service] = defaultdict(Service)
    for service, _, _ in series:
        found[service] = Service()
    present = {(row.service, row.worker) for row in q.presence((now, now + 1)) if row.worker}
    for service, _ in present:
        found[service].present += 1
    gone = {(boot.service, boot.name) for boot in q.boots_ended((now - VANISHED_US, now)) if not _said_so(boot)}
    for service, _ in gone - present:
        found[service].vanished += 1
    for service, load in by_service.items():
        found[service].load = load
    return dict(sorted(found.items()))


def _said_so(boot: BootRow) -> bool:
    return boot.folded.offline is not None


def scheduler_counters(store: Store, where: Filter) -> dict[str, dict[str, int]]:
    """Give the counters of the scheduler's paths, by job: observed successes and failures, which never fall."""
    found: defaultdict[str, dict[str, int]] = defaultdict(lambda: {"success_count": 0, "failure_count": 0})
    with store.questions() as q:
        for key, one in q.series(1 << 62).items():
            if of_series(where, key):
                found[key[1]]["success_count"] += one.count("succeeded")
                found[key[1]]["failure_count"] += sum(one.count(outcome) for outcome in _FAILURES)
    return found


def next_run(job: Job) -> int | None:
    """Give when a registered job is to run next, as its newest word says."""
    said: Any = job.get("next_run", (0, "", None))[2]
    return None if said is None else from_text(said)
