"""`GET /api/v1/workers`: who is there, who is gone, and what each did."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from taskscope.server.asked import GivenFilter, GivenWindow, Names, refuse_null
from taskscope.server.context import GivenContext, GivenStore
from taskscope.stats import asking
from taskscope.stats.listing import DEFAULT_LIMIT
from taskscope.stats.workers import Workers, workers


@get(
    "/api/v1/workers",
    sync_to_thread=True,
    operation_id="listWorkers",
    before_request=refuse_null,
    summary="Workers, by service and name, a page at a time; what they did is of the last hour by default",
)
def get_workers(
    store: GivenStore,
    context: GivenContext,
    window: GivenWindow,
    of_queues: GivenFilter,
    worker: Annotated[Names, QueryParameter(description="Only these workers, separated by commas.")] = None,
    present: Annotated[bool | None, QueryParameter(description="Only those that are there, or are not.")] = None,
    limit: Annotated[int, QueryParameter(description="How many at most, up to 1000.")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> Workers:
    """Agents run no tasks and are no workers; a worker of a queue is one that serves it now."""
    now = context.clock()
    where = of_queues._replace(workers=asking.where(workers=worker).workers)
    bounds = asking.last_hour(window, now)
    return workers(store, where, bounds, now, present=present, limit=limit, cursor=cursor)
