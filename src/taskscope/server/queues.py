"""`GET /api/v1/queues`: what waits, what runs, who serves, and what went through."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from taskscope.core.clock import SECOND
from taskscope.server.asked import GivenFilter, GivenWindow
from taskscope.server.context import GivenContext, GivenStore
from taskscope.stats import asking
from taskscope.stats.listing import DEFAULT_LIMIT
from taskscope.stats.queues import Queues, queues


@get(
    "/api/v1/queues",
    sync_to_thread=True,
    operation_id="listQueues",
    summary="Queues, by service and name, a page at a time; counts are of the last hour by default",
)
def get_queues(
    store: GivenStore,
    context: GivenContext,
    window: GivenWindow,
    of_queues: GivenFilter,
    stuck_after: Annotated[
        str | None, QueryParameter(description="What waits longer is stuck, such as 30m; by default the setting.")
    ] = None,
    limit: Annotated[int, QueryParameter(description="How many at most, up to 1000.")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> Queues:
    """Read what is now from counters and indexes, and the window from cells by the minute."""
    now = context.clock()
    stuck = round(context.stuck_after_s * SECOND) if stuck_after is None else asking.step("stuck_after", stuck_after)
    bounds = asking.last_hour(window, now)
    return queues(store, of_queues, bounds, now, stuck_after=stuck, limit=limit, cursor=cursor)
