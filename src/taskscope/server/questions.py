"""The questions of the native API about a window as a whole: statistics, utilisation and percentiles."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from taskscope import stats
from taskscope.server.asked import GivenFilter, GivenWindow, refuse_null
from taskscope.server.context import GivenContext, GivenStore
from taskscope.server.shapes import Statistics, Utilization, typed
from taskscope.stats import asking
from taskscope.stats.figures import Spread


@get(
    "/api/v1/stats",
    sync_to_thread=True,
    operation_id="getStats",
    summary="Counts, rates, durations and waits of a window",
)
def get_stats(store: GivenStore, window: GivenWindow, of_jobs: GivenFilter) -> Statistics:
    """Answer what `taskscope stats` answers."""
    return typed(Statistics, stats.stats(store, of_jobs, *window))


@get(
    "/api/v1/utilization",
    sync_to_thread=True,
    operation_id="getUtilization",
    summary="Who was busy and who idled; by default in the last hour",
)
def get_utilization(
    store: GivenStore,
    context: GivenContext,
    window: GivenWindow,
    of_queues: GivenFilter,
    step: Annotated[str, QueryParameter(description="Length of a bucket, such as 5s, 1m or 1h.")] = "1m",
) -> Utilization:
    """Answer what `taskscope utilization` answers."""
    low, high = asking.last_hour(window, context.clock())
    return typed(Utilization, stats.utilization(store, of_queues, low, high, asking.step("step", step)))


@get(
    "/api/v1/percentiles",
    sync_to_thread=True,
    operation_id="getPercentiles",
    before_request=refuse_null,
    summary="How long runs took, in milliseconds",
)
def get_percentiles(
    store: GivenStore,
    window: GivenWindow,
    of_jobs: GivenFilter,
    *,
    last: Annotated[int | None, QueryParameter(ge=1, le=10_000_000, description="Only the newest runs.")] = None,
    exact: Annotated[bool, QueryParameter(description="Look at every run of the window.")] = False,
) -> Spread:
    """Answer what `taskscope percentiles` answers."""
    found = stats.percentiles(store, of_jobs, last=last, start=window.start, end=window.end, force_exact=exact)
    return typed(Spread, found)
