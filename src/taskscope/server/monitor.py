"""`GET /api/monitor/stats`: how things stand now, the same answer from whichever process is asked."""

from __future__ import annotations

from litestar import get

from taskscope import stats
from taskscope.server.asked import GivenFilter
from taskscope.server.context import GivenContext, GivenStore
from taskscope.server.shapes import Monitor, typed


@get(
    "/api/monitor/stats",
    sync_to_thread=True,
    operation_id="getMonitorStats",
    summary="How things stand now, in percent and counts",
)
def get_monitor_stats(store: GivenStore, context: GivenContext, of_jobs: GivenFilter) -> Monitor:
    """Answer 0 where there is nothing, as monitor pages expect."""
    return typed(Monitor, stats.monitor(store, of_jobs, context.clock()))
