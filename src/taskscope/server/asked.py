"""What a question is about, from its query: the window and the filter, provided to the handlers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter, SkipValidation

from taskscope.ports import Filter
from taskscope.server.context import GivenContext
from taskscope.server.problems import ProblemError
from taskscope.stats import asking

Names = list[str] | None
From = Annotated[str | None, QueryParameter(name="from", description=f"From when on: {asking.TIME_FORMS}.")]
To = Annotated[str | None, QueryParameter(name="to", description="Until when; the day of a date is included.")]
Jobs = Annotated[Names, QueryParameter(name="job", description="Only these jobs, separated by commas.")]
Queues = Annotated[Names, QueryParameter(name="queue", description="Only these queues, separated by commas.")]
Endpoints = Annotated[Names, QueryParameter(name="endpoint", description="Another word for queue.")]
Services = Annotated[Names, QueryParameter(name="service", description="Only these services, separated by commas.")]
Workers = Annotated[Names, QueryParameter(name="worker", description="Only these workers, separated by commas.")]
States = Annotated[Names, QueryParameter(name="state", description="Only these states.")]
Outcomes = Annotated[Names, QueryParameter(name="outcome", description="Only these outcomes.")]
Text = Annotated[
    str | None,
    QueryParameter(
        min_length=1, max_length=asking.LONGEST_TEXT, description="Part of a text, ASCII letters in any case."
    ),
]
Step = Annotated[str | None, QueryParameter(description="Length of a bucket, such as 5m, 1h or 1d.")]
PageCursor = Annotated[str | None, QueryParameter(description="`next_cursor` of the page before.")]


def limit(most: int) -> QueryParameter:
    """Describe how many somebody wants on a page; out of range, the question itself says what to ask for."""
    bounds = {"minimum": 1, "maximum": most}
    return QueryParameter(description="How many at most.", schema_extra=bounds)


def refuse_null(request: Request[Any, Any, Any]) -> None:
    """Refuse the word null for a number or a choice, which the framework would take for one that was left out.

    Raises
    ------
    ProblemError
        It was sent.
    """
    for name in ("last", "present", "sample"):
        if "null" in request.query_params.getall(name, []):
            raise ProblemError(HTTPStatus.BAD_REQUEST, f"{name} is null; leave it out, or send a value")


class Window(NamedTuple):
    """Both sides of a window, None where it is open."""

    start: int | None
    end: int | None


GivenWindow = NamedDependency[SkipValidation[Window]]
GivenFilter = NamedDependency[SkipValidation[Filter]]


def _window(context: GivenContext, start: From = None, end: To = None) -> Window:
    return Window(*asking.window(start, end, now=context.clock(), zone=context.zone, names=("from", "to")))


def _of_queues(queue: Queues = None, endpoint: Endpoints = None, service: Services = None) -> Filter:
    return asking.where(queues=[*(queue or ()), *(endpoint or ())], services=service)


def _of_jobs(of_queues: GivenFilter, job: Jobs = None) -> Filter:
    return of_queues._replace(jobs=asking.where(jobs=job).jobs)


PROVIDED = {
    "window": Provide(_window, sync_to_thread=False),
    "of_queues": Provide(_of_queues, sync_to_thread=False),
    "of_jobs": Provide(_of_jobs, sync_to_thread=False),
}
"""What handlers may ask for: the window, the filter by queue and service, and the one by job as well."""
