"""All runs of a window, bucket by bucket."""

from __future__ import annotations

from litestar import get

from taskscope import stats
from taskscope.server.asked import GivenFilter, GivenWindow, Step
from taskscope.server.context import GivenContext, GivenStore
from taskscope.stats import asking
from taskscope.stats.history import Overall


@get(
    "/api/v1/history",
    sync_to_thread=True,
    operation_id="getHistory",
    summary="How runs went, bucket by bucket; by default in the last 24 hours",
)
def get_history(
    store: GivenStore, context: GivenContext, window: GivenWindow, of_jobs: GivenFilter, step: Step = None
) -> Overall:
    """Answer from cells, so that the cost does not grow with what ran."""
    asked = asking.last_day(window, context.clock())
    return stats.history(store, of_jobs, asked, None if step is None else asking.step("step", step))
