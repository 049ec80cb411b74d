"""The jobs of schedulers: what is registered, what runs it, and how its runs went.

A job goes by its name alone here, as schedulers know it: where two services have one of the same name, they count
together, and per registered field the newest fact stands.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from taskscope.core import lifecycle
from taskscope.core.clock import ms, to_text
from taskscope.core.registry import FIELDS
from taskscope.ports import Filter
from taskscope.stats.durations import exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from taskscope.core.counters import Series
    from taskscope.core.registry import Job
    from taskscope.ports import LastRun, Name, Questions, Store

_EVERYTHING = Filter()
SAMPLE = 1000
"""How many of the newest finished runs of a job its durations are taken from."""
SCHEDULER = "scheduler"
LABELS = ("job_id", "job_name", "owner", "category")

_STATUS = {
    lifecycle.SUCCEEDED: "success",
    lifecycle.FAILED_OUTCOME: "failed",
    lifecycle.TIMED_OUT: "timeout",
    lifecycle.CANCELLED: "cancelled",
    lifecycle.LOST: "lost",
}
_FAILURES = ("failed", "timed_out", "lost", "inferred_timed_out", "inferred_lost")
_ALL = 1 << 62
_DURATIONS = ("avg", "p50", "p95", "p99", "min", "max")


def metrics(store: Store, where: Filter, sample: int = SAMPLE) -> list[dict[str, Any]]:
    """Answer how the runs of each known job went, by name.

    Returns
    -------
    Per job its labels, its counts (`failure_count` is failed, timed out and lost; cancelled runs count in neither),
    its last finished run, and the durations of its newest `sample` finished runs in milliseconds. A job that never ran
    has nulls.
    """
    with store.questions() as q:
        counts: defaultdict[str, list[Series]] = defaultdict(list)
        for (_, job, _), series in _series(q, where):
            counts[job].append(series)
        registered, last = _registered(q, where), _last(q, where)
        known = sorted(job for job in {*counts, *registered, *last} if job)
        return [
            {
                **_labels(job, registered.get(job, {})),
                **_counts(counts[job]),
                **_last_run(last.get(job)),
                **_durations(q, where, job, sample),
            }
            for job in known
        ]


def jobs(store: Store, where: Filter) -> list[dict[str, Any]]:
    """Answer what is known of each job, registered or only seen in runs, by name."""
    with store.questions() as q:
        registered, last = _registered(q, where), _last(q, where)
        seen = {job for (_, job, _), _ in _series(q, where)}
        found = []
        for job in sorted(name for name in {*registered, *last, *seen} if name):
            facts = registered.get(job, {})
            run = _last_run(last.get(job))
            found.append(
                {
                    **_labels(job, facts),
                    "description": facts.get("description"),
                    "schedule": facts.get("schedule"),
                    "timeout_ms": facts.get("timeout_ms"),
                    "enabled": facts.get("enabled", True) is not False,
                    "paused": facts.get("paused", False) is True,
                    "next_run": facts.get("next_run"),
                    "last_run": run["last_timestamp"],
                    "last_status": run["last_status"],
                    "registered": bool(facts),
                }
            )
        return found


def status(store: Store, now: int) -> dict[str, Any]:
    """Answer whether a scheduler is there, how many jobs are registered, and which schedulers were ever seen."""
    with store.questions() as q:
        registered = q.registered(_EVERYTHING)
        found: dict[tuple[str, str], tuple[bool, int]] = {}
        for service, boot in q.boots_of_role(SCHEDULER):
            if boot.worker is None:
                continue
            key = (service, boot.worker[2])
            there = any(start <= now < end for start, end in boot.spans())
            signs = [end for _, end in boot.spans()] if boot.heartbeat is None else [boot.heartbeat[0]]
            known = found.get(key, (False, 0))
            found[key] = (known[0] or there, max(known[1], *signs, boot.worker[0]))
    per_service: defaultdict[str, int] = defaultdict(int)
    for service, _ in registered:
        per_service[service] += 1
    return {
        "running": any(there for there, _ in found.values()),
        "jobs": len({job for _, job in registered}),
        "schedulers": [
            {
                "name": worker,
                "service": service,
                "running": there,
                "last_seen": to_text(seen),
                "jobs": per_service[service],
            }
            for (service, worker), (there, seen) in sorted(found.items(), key=lambda item: (item[0][1], item[0][0]))
        ],
    }


def services(store: Store, now: int) -> list[dict[str, Any]]:
    """Answer which services there are: their workers that are present now, their jobs, and their last sign of life."""
    with store.questions() as q:
        signs = q.last_signs()
        workers: defaultdict[str, set[str]] = defaultdict(set)
        for row in q.presence((now, now + 1)):
            workers[row.service].add(row.worker)
        named: defaultdict[str, set[str]] = defaultdict(set)
        seen = {(service, job) for (service, job, _), _ in _series(q, _EVERYTHING)}
        for service, job in {*q.registered(_EVERYTHING), *seen}:
            if job:
                named[service].add(job)
    return [
        {
            "service": service,
            "workers": len(workers[service]),
            "jobs": len(named[service]),
            "last_seen": to_text(signs[service]) if service in signs else None,
        }
        for service in sorted({*signs, *named, *workers})
    ]


def _registered(q: Questions, where: Filter) -> dict[str, dict[str, Any]]:
    """Give the registered fields of jobs by name; of several services the newest fact stands."""
    folds: defaultdict[str, list[Job]] = defaultdict(list)
    for (_, job), fold in q.registered(where).items():
        folds[job].append(fold)
    return {job: _newest(found) for job, found in folds.items()}


def _newest(folds: Iterable[Job]) -> dict[str, Any]:
    found = {}
    for field in FIELDS:
        values = [fold[field] for fold in folds if field in fold]
        if values:
            found[field] = max(values, key=lambda value: value[:2])[2]
    return found


def _last(q: Questions, where: Filter) -> dict[str, LastRun]:
    found: dict[str, LastRun] = {}
    runs: Mapping[Name, LastRun] = q.last_finished(where)
    for (_, job), run in sorted(runs.items()):
        if job not in found or found[job].finish < run.finish:
            found[job] = run
    return found


def _labels(job: str, registered: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "job_id": job,
        "job_name": registered.get("job_name") or job,
        "owner": registered.get("owner"),
        "category": registered.get("category"),
    }


def _series(q: Questions, where: Filter) -> list[tuple[tuple[str, str, str], Series]]:
    """Give what all days add up to, by (service, job, queue): a row each, however many days there are."""
    return [(key, series) for key, series in q.series(_ALL).items() if any(series.truth) and of_series(where, key)]


def of_series(where: Filter, key: tuple[str, str, str]) -> bool:
    """Tell whether a question is about a (service, job, queue)."""
    wanted = zip((where.services, where.jobs, where.queues), key, strict=True)
    return all(names is None or name in names for names, name in wanted)


def _counts(found: Sequence[Series]) -> dict[str, Any]:
    success = sum(series.level("succeeded") for series in found)
    failure = sum(series.level(kind) for series in found for kind in _FAILURES)
    total = success + failure
    return {
        "success_count": success,
        "failure_count": failure,
        "total_runs": total,
        "success_rate": success / total if total else None,
    }


def _last_run(run: LastRun | None) -> dict[str, Any]:
    if run is None:
        return dict.fromkeys(("last_status", "last_timestamp", "last_duration_ms"))
    return {
        "last_status": _STATUS[run.outcome],
        "last_timestamp": to_text(run.finish),
        "last_duration_ms": None if run.duration is None else ms(run.duration),
    }


def _durations(q: Questions, where: Filter, job: str, sample: int) -> dict[str, Any]:
    newest = None if where.queues is not None else q.newest_durations(job, where.services, sample)
    if newest is None:
        newest = [duration for _, duration, _ in q.durations(None, where._replace(jobs=[job]), sample)]
    spread = exact(newest)
    return {**{f"{name}_duration_ms": spread[name] for name in _DURATIONS}, "sample_count": spread["count"]}
