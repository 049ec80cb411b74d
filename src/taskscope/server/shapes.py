"""The types of those answers that are made as plain objects, for the description of the API."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, cast

import msgspec

from taskscope.stats.figures import Spread
from taskscope.stats.units import Instant, Milliseconds, Ratio

T = TypeVar("T")


def typed(kind: type[T], answer: Any) -> T:  # noqa: ARG001 - for the type checker alone
    """Call an answer by its type, without the cost of building it again; that it has this type is tested."""
    return cast("T", answer)


class Problem(msgspec.Struct):
    """What went wrong (RFC 9457): `detail` says what, and what to send instead."""

    type: str
    title: str
    status: int
    detail: str


class Health(msgspec.Struct):
    """Alive or not, and nothing else."""

    status: Literal["ok"]


class TaskCounts(msgspec.Struct):
    """Tasks by state, by the time of their first submission, as they stood at the end of the window."""

    total: int
    pending: int
    processing: int
    retrying: int
    completed: int
    failed: int
    cancelled: int


class Counted(msgspec.Struct, kw_only=True):
    """Runs of a window: submissions by their time, outcomes and durations by finish, waits by start.

    `running` and `pending` are as of its end. `skewed` runs began before they were submitted, by the clocks of two
    hosts; of `inferred` outcomes no fact tells. Rates are null where nothing finished.
    """

    submitted: int
    succeeded: int
    failed: int
    timed_out: int
    cancelled: int
    lost: int
    running: int
    pending: int
    skewed: int
    inferred: int
    success_rate: Ratio | None
    task_success_rate: Ratio | None
    tasks: TaskCounts
    duration_ms: Spread
    duration_ms_succeeded: Spread
    duration_ms_failed: Spread
    wait_ms: Spread


class CountedJob(Counted, kw_only=True):
    """The same of one job."""

    job: str | None
    service: str


class Missing(msgspec.Struct):
    """How many facts senders say that they dropped: figures over such a gap are lower bounds."""

    task_facts: int
    other_facts: int
    since: Instant | None
    until: Instant | None


class Statistics(Counted, kw_only=True, rename={"start": "from", "end": "to"}):
    """What happened in a window. `from` and `to` say what was answered: edges are widened to what is kept."""

    start: Instant | None
    end: Instant | None
    gaps: Missing
    jobs: list[CountedJob]


class UtilizationBucket(msgspec.Struct):
    """Who was busy and who idled in a bucket. `avg_utilization` is the mean over both, null without a worker.

    `tasks_finished` counts runs that finished in it, `tasks_completed` those of them that succeeded.
    """

    start: Instant
    active_workers: int
    idle_workers: int
    avg_utilization: float | None
    busy_ms: Milliseconds
    tasks_completed: int
    tasks_finished: int


class UtilizationWorker(msgspec.Struct):
    """A worker that was busy or present in the window, with its busy milliseconds by bucket.

    `present` tells for each bucket whether it was there or busy at any instant of it; elsewhere it was absent.
    `utilization` may pass 1 where it runs side by side; `idle_ms` is null where nobody knows when it was there.
    """

    worker: str
    service: str
    busy_ms: Milliseconds
    idle_ms: Milliseconds | None
    utilization: float
    buckets: list[Milliseconds]
    present: list[bool]


class Peak(msgspec.Struct):
    """The most runs that were busy at once, and when first; null where single runs are not kept any more."""

    max: int | None
    first_at: Instant | None


class Utilization(msgspec.Struct, kw_only=True, rename={"start": "from", "end": "to"}):
    """Who was busy and who idled, in buckets of `step_ms`."""

    start: Instant
    end: Instant
    step_ms: Milliseconds
    buckets: list[UtilizationBucket]
    workers: list[UtilizationWorker]
    peak_concurrency: Peak
    gaps: Missing


class Monitor(msgspec.Struct):
    """How things stand now. `success_rate` is in percent; 0 stands where there is nothing, as monitor pages expect."""

    active_tasks: int
    pending_tasks: int
    total_tasks: int
    tasks_completed: int
    tasks_failed: int
    tasks_cancelled: int
    tasks_retrying: int
    tasks_timeout: int
    success_rate: float
    avg_duration_ms: Milliseconds
    max_concurrent: int


Status = Literal["success", "failed", "timeout", "cancelled", "lost"]


class Scheduler(msgspec.Struct):
    """A worker whose role is `scheduler`; it runs while its heartbeats last."""

    name: str
    service: str
    running: bool
    last_seen: Instant
    jobs: int


class SchedulerStatus(msgspec.Struct):
    """Whether a scheduler is there, how many jobs are registered, and which schedulers were ever seen."""

    running: bool
    jobs: int
    schedulers: list[Scheduler]


class ScheduledJob(msgspec.Struct):
    """What is known of a job, by its name alone."""

    job_id: str
    job_name: str
    owner: str | None
    category: str | None
    description: str | None
    schedule: str | None
    timeout_ms: Milliseconds | None
    enabled: bool
    paused: bool
    next_run: Instant | None
    last_run: Instant | None
    last_status: Status | None
    registered: bool


class ScheduledJobs(msgspec.Struct):
    """All jobs, registered or only seen in runs."""

    total: int
    jobs: list[ScheduledJob]


class JobMetrics(msgspec.Struct):
    """How the runs of a job went: `failure_count` is failed, timed out and lost; durations are of its newest runs."""

    job_id: str
    job_name: str
    owner: str | None
    category: str | None
    success_count: int
    failure_count: int
    total_runs: int
    success_rate: Ratio | None
    last_status: Status | None
    last_timestamp: Instant | None
    last_duration_ms: Milliseconds | None
    avg_duration_ms: Milliseconds | None
    p50_duration_ms: Milliseconds | None
    p95_duration_ms: Milliseconds | None
    p99_duration_ms: Milliseconds | None
    min_duration_ms: Milliseconds | None
    max_duration_ms: Milliseconds | None
    sample_count: int


class SchedulerMetrics(msgspec.Struct):
    """How the runs of each job went."""

    total: int
    metrics: list[JobMetrics]


class ServiceItem(msgspec.Struct):
    """A service: its workers that are present now, its jobs, and its last sign of life."""

    service: str
    workers: int
    jobs: int
    last_seen: Instant | None


class ServiceList(msgspec.Struct):
    """All services."""

    total: int
    services: list[ServiceItem]


class WrappedStatus(msgspec.Struct):
    """The wrapping of the scheduler's paths."""

    code: Literal[200]
    message: str
    data: SchedulerStatus


class WrappedJobs(msgspec.Struct):
    """The wrapping of the scheduler's paths."""

    code: Literal[200]
    message: str
    data: ScheduledJobs


class WrappedMetrics(msgspec.Struct):
    """The wrapping of the scheduler's paths."""

    code: Literal[200]
    message: str
    data: SchedulerMetrics


class WrappedServices(msgspec.Struct):
    """The wrapping of the scheduler's paths."""

    code: Literal[200]
    message: str
    data: ServiceList


class WrappedError(msgspec.Struct):
    """An error in the wrapping of the scheduler's paths."""

    code: int
    message: str
    data: None
