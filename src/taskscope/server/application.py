"""The application: its routes, what they are given, and the loops that live as long as it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import Litestar, get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from taskscope.server import pages
from taskscope.server.asked import PROVIDED
from taskscope.server.context import Context, Settings, clock
from taskscope.server.events import take_events
from taskscope.server.hosts import check_host
from taskscope.server.intake import Intake
from taskscope.server.loops import Loop, running
from taskscope.server.monitor import get_monitor_stats
from taskscope.server.problems import HANDLERS
from taskscope.server.questions import get_percentiles, get_runs, get_stats, get_utilization
from taskscope.server.scheduler import scheduler_router

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskscope.ports import Store


@get("/api/v1/health", sync_to_thread=False, summary="Alive or not, nothing else")
def get_health() -> dict[str, str]:
    """Answer as long as the server can."""
    return {"status": "ok"}


def create_app(
    store: Store,
    settings: Settings,
    *,
    loops: Sequence[Loop] = (),
    clock: Callable[[], int] = clock,
    version: str = "1",
) -> Litestar:
    """Build the application.

    Parameters
    ----------
    store
        Where facts go and answers come from.
    settings
        The zone of dates.
    loops
        What runs beside it.
    clock
        Gives the time of receipt and what relative times count from.
    version
        What the description of the API says.
    """
    context = Context(settings.zone, clock)
    intake = Intake(store, clock)
    return Litestar(
        [
            *pages.handlers(pages.load()),
            get_health,
            take_events,
            get_stats,
            get_utilization,
            get_percentiles,
            get_runs,
            get_monitor_stats,
            scheduler_router,
        ],
        dependencies={
            "store": Provide(lambda: store, sync_to_thread=False),
            "context": Provide(lambda: context, sync_to_thread=False),
            "intake": Provide(lambda: intake, sync_to_thread=False),
            **PROVIDED,
        },
        before_request=check_host,
        exception_handlers=dict(HANDLERS),
        lifespan=[lambda _: intake.running(), lambda _: running(loops)],
        openapi_config=OpenAPIConfig(
            title="Taskscope", version=version, path="/api/v1/openapi.json", render_plugins=[JsonRenderPlugin(path="/")]
        ),
        logging_config=None,
    )
