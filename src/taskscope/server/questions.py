"""The questions of the native API: statistics, utilisation, percentiles and the list of runs."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import get
from litestar.params import QueryParameter

from taskscope import stats
from taskscope.server.asked import GivenFilter, GivenWindow, Names
from taskscope.server.context import GivenContext, GivenStore
from taskscope.stats import asking
from taskscope.stats.listing import DEFAULT_LIMIT


@get("/api/v1/stats", sync_to_thread=True, summary="Counts, rates, durations and waits of a window")
def get_stats(store: GivenStore, window: GivenWindow, of_jobs: GivenFilter) -> dict[str, Any]:
    """Answer what `taskscope stats` answers."""
    return stats.stats(store, of_jobs, *window)


@get("/api/v1/utilization", sync_to_thread=True, summary="Who was busy and who idled; by default in the last hour")
def get_utilization(
    store: GivenStore,
    context: GivenContext,
    window: GivenWindow,
    of_queues: GivenFilter,
    step: Annotated[str, QueryParameter(description="Length of a bucket, such as 5s, 1m or 1h.")] = "1m",
) -> dict[str, Any]:
    """Answer what `taskscope utilization` answers."""
    low, high = asking.last_hour(window, context.clock())
    return stats.utilization(store, of_queues, low, high, asking.step("step", step))


@get("/api/v1/percentiles", sync_to_thread=True, summary="How long runs took, in milliseconds")
def get_percentiles(
    store: GivenStore,
    window: GivenWindow,
    of_jobs: GivenFilter,
    last: Annotated[int | None, QueryParameter(ge=1, le=10_000_000, description="Only the newest runs.")] = None,
    exact: Annotated[bool | None, QueryParameter(description="Look at every run of the window.")] = None,
) -> dict[str, Any]:
    """Answer what `taskscope percentiles` answers."""
    return stats.percentiles(store, of_jobs, last=last, start=window.start, end=window.end, force_exact=bool(exact))


@get("/api/v1/runs", sync_to_thread=True, summary="Runs, the newest start first, a page at a time")
def get_runs(
    store: GivenStore,
    window: GivenWindow,
    of_jobs: GivenFilter,
    states: Annotated[Names, QueryParameter(name="state", description="Only these states.")] = None,
    outcomes: Annotated[Names, QueryParameter(name="outcome", description="Only these outcomes.")] = None,
    workers: Annotated[Names, QueryParameter(name="worker", description="Only these workers.")] = None,
    limit: Annotated[int, QueryParameter(description="How many at most, up to 1000.")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> dict[str, Any]:
    """Answer what `taskscope runs` answers."""
    more = asking.where(states=states, outcomes=outcomes, workers=workers)
    where = of_jobs._replace(states=more.states, outcomes=more.outcomes, workers=more.workers)
    return stats.runs(store, where, window=asking.bounded(window), cursor=cursor, limit=limit)
