"""What fails: by fingerprint, and by category and hour."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from taskscope import stats
from taskscope.errors import UsageError
from taskscope.server.asked import GivenFilter, GivenWindow, Names, Outcomes, PageCursor, Text, Workers, limit
from taskscope.server.context import GivenContext, GivenStore
from taskscope.stats import asking
from taskscope.stats.failures import BUCKETS, DEFAULT_LIMIT, MAX_LIMIT, MOST_BUCKETS, Failures
from taskscope.stats.heatmap import THRESHOLDS, Heatmap

_THRESHOLDS = ",".join(map(str, THRESHOLDS))


@get(
    "/api/v1/failures",
    sync_to_thread=True,
    operation_id="listFailures",
    summary="Failed runs in groups, by fingerprint; by default of the last 24 hours",
)
def list_failures(  # noqa: PLR0913 - one parameter a filter
    store: GivenStore,
    context: GivenContext,
    *,
    window: GivenWindow,
    of_jobs: GivenFilter,
    outcomes: Outcomes = None,
    workers: Workers = None,
    fingerprints: Annotated[
        Names, QueryParameter(name="fingerprint", description="Only failures with these fingerprints.")
    ] = None,
    text: Text = None,
    buckets: Annotated[
        int, QueryParameter(ge=1, le=MOST_BUCKETS, description="Into how many the window is cut for `trend`.")
    ] = BUCKETS,
    limit: Annotated[int, limit(MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: PageCursor = None,
) -> Failures:
    """List groups with the most failures first. A cursor keeps the window of its first page."""
    more = asking.where(outcomes=outcomes, workers=workers)
    where = of_jobs._replace(outcomes=more.outcomes, workers=more.workers)
    search = asking.search(where, text=text, fingerprints=fingerprints)
    asked = asking.last_day(window, context.clock())
    return stats.failures(store, search, asked, buckets=buckets, cursor=cursor, limit=limit)


@get(
    "/api/v1/heatmap",
    sync_to_thread=True,
    operation_id="getHeatmap",
    summary="Runs and failures by category of job and hour; by default of the last 24 hours",
)
def get_heatmap(
    store: GivenStore,
    context: GivenContext,
    window: GivenWindow,
    of_jobs: GivenFilter,
    thresholds: Annotated[
        str,
        QueryParameter(description="From how many failures an hour is low, medium and high: three rising numbers."),
    ] = _THRESHOLDS,
) -> Heatmap:
    """Answer from cells: the window is widened to whole hours of UTC."""
    asked = asking.last_hours(window, context.clock())
    return stats.heatmap(store, of_jobs, asked, _numbers(thresholds))


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"thresholds {text!r}: send three numbers, such as {_THRESHOLDS}") from error
