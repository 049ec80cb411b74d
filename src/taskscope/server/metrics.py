"""`GET /metrics`: what Prometheus scrapes. Base units; the labels are service, job, queue, outcome, and few others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from litestar import Response, get
from litestar.params import HeaderParameter

from taskscope.core.clock import SECOND
from taskscope.core.counters import BOUNDS_S, MOST_SERIES, OBSERVED
from taskscope.server.context import GivenContext, GivenStore
from taskscope.server.exposition import (
    HISTOGRAM,
    OPENMETRICS,
    TEXT,
    Family,
    Sample,
    counter,
    gauge,
    histogram,
    info,
    labels,
    wants_openmetrics,
    write,
)
from taskscope.stats.exported import DIFFERENCES, VERIFIED, Exported, exported, next_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from taskscope.core.registry import Job
    from taskscope.server.spooled import Spool
    from taskscope.stats.exported import Queue, Service
    from taskscope.stats.serving import Load

_BOUNDS = [str(bound) for bound in BOUNDS_S]
_UTILIZATION = "Mean utilization of the active and idle workers in the last full minute."


@get(
    "/metrics",
    sync_to_thread=True,
    media_type=TEXT,
    operation_id="getMetrics",
    summary="Everything for Prometheus",
    description="OpenMetrics where Accept asks for it, else Prometheus text. At most 10,000 combinations of service, "
    "job and queue, the first that came; taskscope_names_refused says how many are left out.",
)
def get_metrics(
    store: GivenStore,
    context: GivenContext,
    accept: Annotated[str, HeaderParameter(name="Accept", required=False)] = "",
) -> Response[bytes]:
    """Any server of a store answers the same but for its version and what waits in its own spool."""
    found = exported(store, context.clock(), stuck_after=round(context.stuck_after_s * SECOND))
    families = [*_runs(found), *_jobs(found), *_queues(found), *_services(found), *_own(found, context.version)]
    if context.spool is not None:
        families += _spool(context.spool())
    openmetrics = wants_openmetrics(accept)
    return Response(write(families, openmetrics=openmetrics), media_type=OPENMETRICS if openmetrics else TEXT)


def _runs(found: Exported) -> list[Family]:
    series = [(labels(service=key[0], job=key[1], queue=key[2]), one) for key, one in found.series.items()]
    waits: list[Sample] = []
    durations: list[Sample] = []
    for text, one in series:
        if (buckets := one.buckets("wait"))[-1]:
            waits += histogram(text, _BOUNDS, buckets, one.count("wait_us") / SECOND)
        for outcome in ("succeeded", "failed"):
            if (buckets := one.buckets(outcome))[-1]:
                total = one.count(f"{outcome}_us") / SECOND
                durations += histogram(f'{text},outcome="{outcome}"', _BOUNDS, buckets, total)
    finished = [(f'{text},outcome="{outcome}"', one.count(outcome)) for text, one in series for outcome in OBSERVED]
    inferred = [
        (f'{text},outcome="{outcome}"', one.level(f"inferred_{outcome}"))
        for text, one in series
        for outcome in ("timed_out", "lost")
    ]
    submitted = [(text, one.count("submitted")) for text, one in series]
    corrected = [(text, one.corrected) for text, one in series]
    running = [(text, one.running) for text, one in series]
    return [
        counter("taskscope_submissions", "Submissions.", submitted),
        counter("taskscope_runs_finished", "Runs that ended, by outcome, as facts state it.", finished),
        gauge("taskscope_runs_inferred", "Runs that are over without a fact that says so, by outcome.", inferred),
        counter("taskscope_corrections", "What late facts took back of submissions and outcomes.", corrected),
        Family("taskscope_run_duration_seconds", HISTOGRAM, "How long runs took that succeeded or failed.", durations),
        Family("taskscope_run_wait_seconds", HISTOGRAM, "How long runs waited from when they were due.", waits),
        gauge("taskscope_runs_running", "Runs that have no end.", running),
    ]


def _jobs(found: Exported) -> list[Family]:
    def said(job: Job, field: str) -> str | None:
        value = job.get(field, (0, "", None))[2]
        return None if value is None else str(value)

    about = [
        labels(service=service, job=name, **{field: said(job, field) for field in ("job_name", "owner", "category")})
        for (service, name), job in found.registered.items()
    ]
    last = [(labels(service=service, job=name), time / SECOND) for (service, name), time in found.finishes.items()]
    due = [
        (labels(service=service, job=name), _seconds(next_run(job)))
        for (service, name), job in found.registered.items()
    ]
    return [
        info("taskscope_job", "What is registered of a job.", about),
        gauge("taskscope_job_last_finish_timestamp_seconds", "When the newest finished run of a job ended.", last),
        gauge("taskscope_job_next_run_timestamp_seconds", "When a job is to run next, as registered.", due),
    ]


def _queues(found: Exported) -> list[Family]:
    queues = [(labels(service=key[0], queue=key[1]), queue) for key, queue in found.queues.items()]

    def tell(name: str, meaning: str, value: Callable[[Queue], float | None]) -> Family:
        return gauge(f"taskscope_queue_{name}", meaning, ((text, value(queue)) for text, queue in queues))

    return [
        tell("depth", "Submissions that no run has taken.", lambda queue: queue.depth),
        tell(
            "oldest_waiting_seconds",
            "For how long the one has been due that waits longest; 0 where none waits.",
            lambda queue: (queue.oldest_us or 0) / SECOND,
        ),
        tell("stuck", "Submissions that wait longer than stuck_after_s, up to 10,000.", lambda queue: queue.stuck),
        tell("running", "Runs that have no end.", lambda queue: queue.running),
        tell("workers_present", "Workers that are there now and serve it.", lambda queue: queue.present),
        tell("limit", "How many runs the present workers take at once, as they told.", lambda queue: queue.limit),
        tell("utilization_ratio", _UTILIZATION, lambda queue: queue.load.utilization),
        gauge(
            "taskscope_queue_workers",
            "Workers of the last full minute: active were busy, idle were there and busy in no queue.",
            _by_state((text, queue.load) for text, queue in queues),
        ),
    ]


def _services(found: Exported) -> list[Family]:
    services = [(labels(service=name), service) for name, service in found.services.items()]

    def tell(name: str, meaning: str, value: Callable[[Service], float | None]) -> Family:
        return gauge(f"taskscope_{name}", meaning, ((text, value(service)) for text, service in services))

    return [
        tell("workers_present", "Workers that are there now.", lambda service: service.present),
        tell(
            "workers_vanished",
            "Workers that went without a word in the last hour and did not come back.",
            lambda service: service.vanished,
        ),
        tell("utilization_ratio", _UTILIZATION, lambda service: service.load.utilization),
        gauge(
            "taskscope_workers",
            "Workers of the last full minute, each once, whatever it serves.",
            _by_state((text, service.load) for text, service in services),
        ),
    ]


def _by_state(found: Iterable[tuple[str, Load]]) -> Iterator[tuple[str, int]]:
    for text, load in found:
        yield f'{text},state="active"', load.active
        yield f'{text},state="idle"', load.idle


def _own(found: Exported, version: str) -> list[Family]:
    notes = found.notes
    refused = [(labels(reason=reason), count) for reason, count in sorted(found.facts_refused().items())]
    gaps = [(labels(**{"class": kind}), count) for kind, count in found.gaps.items()]
    return [
        info("taskscope_build", "What answers.", [labels(version=version)]),
        counter("taskscope_facts_accepted", "Facts that were taken.", _alone(notes.get("facts.accepted", 0))),
        counter("taskscope_facts_duplicates", "Facts known already.", _alone(notes.get("facts.duplicates", 0))),
        counter("taskscope_facts_refused", "Facts that were refused, by reason.", refused),
        counter("taskscope_gap_facts", "Facts that senders could not keep: about tasks, and others.", gaps),
        gauge(
            "taskscope_sweep_mark_timestamp_seconds",
            "How far the sweep has come, which infers what is over.",
            _alone(_seconds(notes.get("mark"))),
        ),
        gauge(
            "taskscope_last_receipt_timestamp_seconds",
            "When the last fact was received.",
            _alone(_seconds(found.received)),
        ),
        gauge("taskscope_store_size_bytes", "The room that the store takes.", _alone(found.size_bytes)),
        gauge(
            "taskscope_verify_timestamp_seconds",
            "When taskscope verify last compared everything.",
            _alone(_seconds(notes.get(VERIFIED))),
        ),
        gauge("taskscope_verify_differences", "What it found to differ.", _alone(notes.get(DIFFERENCES))),
        gauge(
            "taskscope_names_exported",
            "Combinations of service, job and queue that are told here.",
            _alone(len(found.series)),
        ),
        gauge(
            "taskscope_names_refused",
            f"Combinations beyond the first {MOST_SERIES}, which are left out.",
            _alone(found.refused),
        ),
    ]


def _spool(spool: Spool) -> list[Family]:
    return [
        gauge("taskscope_spool_bytes", "What waits in the spool of this server's home.", _alone(spool.waiting)),
        gauge(
            "taskscope_spool_oldest_seconds",
            "The age of the oldest segment in it that is not delivered to its end.",
            _alone(spool.oldest_s),
        ),
        gauge(
            "taskscope_spool_rejected_records", "Records of it that were refused and are kept.", _alone(spool.rejected)
        ),
    ]


def _alone(value: float | None) -> list[tuple[str, float | None]]:
    return [("", value)]


def _seconds(instant: int | None) -> float | None:
    return None if instant is None else instant / SECOND
