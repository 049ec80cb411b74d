"""The application: its routes, what they are given, and the loops that live as long as it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import Litestar, MediaType, get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig

from taskscope.server.access.entrance import Entrance
from taskscope.server.asked import PROVIDED
from taskscope.server.context import Context, Settings, clock
from taskscope.server.description import Described
from taskscope.server.events import take_events
from taskscope.server.failures import get_heatmap, list_failures
from taskscope.server.intake import Intake
from taskscope.server.jobs import get_job, list_jobs
from taskscope.server.live.hub import Hub
from taskscope.server.live.route import follow_stream
from taskscope.server.loops import Loop, running
from taskscope.server.metrics import get_metrics
from taskscope.server.monitor import get_monitor_stats
from taskscope.server.own import get_self
from taskscope.server.problems import HANDLERS
from taskscope.server.questions import get_percentiles, get_stats, get_utilization
from taskscope.server.queues import get_queues
from taskscope.server.scheduler import scheduler_router
from taskscope.server.shapes import Health
from taskscope.server.spooled import Spool
from taskscope.server.tasks import get_task, list_runs
from taskscope.server.workers import get_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskscope.ports import Store
    from taskscope.server.access.sessions import Link

LIMIT_BODY_BYTES = 1 << 20
"""How large a body may be where a route says nothing else."""

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Taskscope</title>
<h1>Taskscope</h1>
<p>This server takes facts and answers questions; its pages come with a later version.</p>
<p><a href="/api/v1/openapi.json">What it answers</a></p>
</html>
"""


@get("/", media_type=MediaType.HTML, sync_to_thread=False, include_in_schema=False)
def get_page() -> str:
    """Say that the pages are still to come."""
    return _PAGE


@get("/api/v1/health", sync_to_thread=False, operation_id="getHealth", summary="Alive or not, nothing else")
def get_health() -> Health:
    """Answer as long as the server can."""
    return Health("ok")


def create_app(
    store: Store,
    settings: Settings,
    *,
    loops: Sequence[Loop] = (),
    clock: Callable[[], int] = clock,
    version: str = "1",
    spool: Callable[[], Spool] | None = None,
    link: Link | None = None,
) -> Litestar:
    """Build the application.

    Parameters
    ----------
    store
        Where facts go and answers come from.
    settings
        The zone of dates, how often the performance is told, the names of the server, and how often a token may ask.
    loops
        What runs beside it.
    clock
        Gives the time of receipt and what relative times count from.
    version
        What the description of the API says.
    spool
        Looks at the spool of the home; None where the server drains none.
    link
        A link that signs in, if one was printed.
    """
    context = Context(settings.zone, clock, settings.sample_size, settings.stuck_after_s, version, spool, clock())
    intake = Intake(store, clock)
    live = Hub(store, clock, settings.performance_monitor_interval)
    entrance = Entrance(store, settings, clock, link)
    application = Litestar(
        [
            get_page,
            get_health,
            take_events,
            get_stats,
            get_utilization,
            get_percentiles,
            list_runs,
            get_task,
            list_jobs,
            get_job,
            list_failures,
            get_heatmap,
            get_queues,
            get_workers,
            get_metrics,
            get_self,
            get_monitor_stats,
            scheduler_router,
            follow_stream,
            *entrance.routes,
        ],
        dependencies={
            "store": Provide(lambda: store, sync_to_thread=False),
            "context": Provide(lambda: context, sync_to_thread=False),
            "intake": Provide(lambda: intake, sync_to_thread=False),
            "live": Provide(lambda: live, sync_to_thread=False),
            **PROVIDED,
            **entrance.provided,
        },
        request_max_body_size=LIMIT_BODY_BYTES,
        exception_handlers=dict(HANDLERS),
        lifespan=[
            lambda _: entrance.running(),
            lambda _: intake.running(),
            lambda _: live.running(),
            lambda _: running(loops),
        ],
        openapi_config=OpenAPIConfig(
            title="Taskscope", version=version, path="/api/v1/openapi.json", render_plugins=[Described(path="/")]
        ),
        logging_config=None,
    )
    return entrance.close(application)
