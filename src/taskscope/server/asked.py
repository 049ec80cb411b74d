"""What a question is about, from its query: the window and the filter, provided to the handlers."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from litestar.di import Provide
from litestar.params import Dependency, Parameter

from taskscope.ports import Filter
from taskscope.server.context import GivenContext
from taskscope.stats import asking

Names = list[str] | None
From = Annotated[str | None, Parameter(query="from", description=f"From when on: {asking.TIME_FORMS}.")]
To = Annotated[str | None, Parameter(query="to", description="Until when; the day of a date is included.")]
Jobs = Annotated[Names, Parameter(query="job", description="Only these jobs, separated by commas.")]
Queues = Annotated[Names, Parameter(query="queue", description="Only these queues, separated by commas.")]
Endpoints = Annotated[Names, Parameter(query="endpoint", description="Another word for queue.")]
Services = Annotated[Names, Parameter(query="service", description="Only these services, separated by commas.")]


class Window(NamedTuple):
    """Both sides of a window, None where it is open."""

    start: int | None
    end: int | None


GivenWindow = Annotated[Window, Dependency(skip_validation=True)]
GivenFilter = Annotated[Filter, Dependency(skip_validation=True)]


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
