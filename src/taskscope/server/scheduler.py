"""The scheduler's paths: JSON in one wrapping, errors too, and the metrics as Prometheus text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.exceptions import HTTPException
from litestar.params import QueryParameter

from taskscope.errors import TaskscopeError
from taskscope.server import problems
from taskscope.server.asked import GivenFilter
from taskscope.server.context import GivenContext, GivenStore
from taskscope.server.exposition import TEXT, scheduler_text
from taskscope.server.shapes import WrappedJobs, WrappedMetrics, WrappedServices, WrappedStatus, typed
from taskscope.stats import scheduling
from taskscope.stats.exported import scheduler_counters

if TYPE_CHECKING:
    from collections.abc import Callable

Sample = Annotated[
    int, QueryParameter(ge=1, le=100_000, description="How many of a job's newest finished runs its durations cover.")
]


def _wrap(data: Any) -> Any:
    """Put an answer into the wrapping of these paths."""
    return {"code": 200, "message": "success", "data": data}


@get(
    "/status",
    sync_to_thread=True,
    operation_id="getSchedulerStatus",
    summary="Whether a scheduler is there, and which were ever seen",
)
def get_status(store: GivenStore, context: GivenContext) -> WrappedStatus:
    """Schedulers are workers whose role is `scheduler`; running while their heartbeats last."""
    return typed(WrappedStatus, _wrap(scheduling.status(store, context.clock())))


@get("/jobs", sync_to_thread=True, operation_id="listSchedulerJobs", summary="What is known of each job")
def get_jobs(store: GivenStore, of_jobs: GivenFilter) -> WrappedJobs:
    """List jobs that are registered, and those that were only seen in runs."""
    found = scheduling.jobs(store, of_jobs)
    return typed(WrappedJobs, _wrap({"total": len(found), "jobs": found}))


@get("/metrics", sync_to_thread=True, operation_id="listSchedulerMetrics", summary="How the runs of each job went")
def get_metrics(store: GivenStore, of_jobs: GivenFilter, sample: Sample = scheduling.SAMPLE) -> WrappedMetrics:
    """Count all runs; durations are of the newest finished ones."""
    found = scheduling.metrics(store, of_jobs, sample)
    return typed(WrappedMetrics, _wrap({"total": len(found), "metrics": found}))


@get(
    "/metrics/prometheus",
    sync_to_thread=True,
    operation_id="getSchedulerPrometheus",
    media_type=TEXT,
    summary="The same, as Prometheus text",
)
def get_prometheus(store: GivenStore, of_jobs: GivenFilter, sample: Sample = scheduling.SAMPLE) -> bytes:
    """Leave out jobs that never ran: a sample without a value would be a lie. Counters hold what they once were."""
    return scheduler_text(scheduling.metrics(store, of_jobs, sample), scheduler_counters(store, of_jobs))


@get("/services/list", sync_to_thread=True, operation_id="listServices", summary="Which services there are")
def get_services(store: GivenStore, context: GivenContext) -> WrappedServices:
    """List services with their workers that are present now."""
    found = scheduling.services(store, context.clock())
    return typed(WrappedServices, _wrap({"total": len(found), "services": found}))


def _wrapped(answer: Callable[[Any, Any], Response[bytes]]) -> Callable[[Any, Any], Response[bytes]]:
    """Put what a handler of problems answers into the wrapping."""

    def handler(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        made = answer(request, error)
        problem = msgspec.json.decode(made.content)
        body = {"code": problem["status"], "message": problem["detail"], "data": None}
        return Response(
            msgspec.json.encode(body),
            status_code=made.status_code,
            media_type="application/json",
            headers={**made.headers},
        )

    return handler


_KINDS: tuple[Any, ...] = (problems.ProblemError, TaskscopeError, HTTPException, Exception)

scheduler_router = Router(
    "/api/v1/scheduler",
    route_handlers=[get_status, get_jobs, get_metrics, get_prometheus, get_services],
    exception_handlers={kind: _wrapped(problems.HANDLERS[kind]) for kind in _KINDS},
)
