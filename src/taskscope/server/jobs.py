"""Jobs: what is registered of them, and how their runs go."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get
from litestar.params import PathParameter, QueryParameter

from taskscope import stats
from taskscope.server.asked import GivenFilter, GivenWindow, Names, PageCursor, Step, Text, limit, refuse_null
from taskscope.server.context import GivenContext, GivenStore
from taskscope.server.tail import name_after, unknown
from taskscope.stats import asking
from taskscope.stats.job import MOST_NEWEST, NEWEST, Asked, JobDetail
from taskscope.stats.jobs import DEFAULT_LIMIT, MAX_LIMIT, MOST_RECENT, RECENT, Chosen, Jobs

PATH = "/api/v1/jobs"
MOST_SAMPLED = 100_000


@get(
    PATH,
    sync_to_thread=True,
    operation_id="listJobs",
    summary="Jobs, registered or seen in facts, with the figures of a window; by default of the last 24 hours",
)
def list_jobs(  # noqa: PLR0913 - one parameter a filter
    store: GivenStore,
    context: GivenContext,
    *,
    window: GivenWindow,
    of_jobs: GivenFilter,
    categories: Annotated[
        Names, QueryParameter(name="category", description="Only jobs of these categories, separated by commas.")
    ] = None,
    owners: Annotated[
        Names, QueryParameter(name="owner", description="Only jobs of these owners, separated by commas.")
    ] = None,
    text: Text = None,
    recent: Annotated[
        int, QueryParameter(ge=0, le=MOST_RECENT, description="How many of its newest runs a job shows.")
    ] = RECENT,
    limit: Annotated[int, limit(MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: PageCursor = None,
) -> Jobs:
    """List jobs by name, then service; `text` is looked for in all that describes a job."""
    chosen = Chosen(asking.names("category", categories), asking.names("owner", owners), asking.part(text))
    asked = asking.last_day(window, context.clock())
    return stats.jobs(store, of_jobs, chosen, asked, recent=recent, cursor=cursor, limit=limit)


@get(
    f"{PATH}/{{job:path}}",
    sync_to_thread=True,
    operation_id="getJob",
    before_request=refuse_null,
    summary="One job: its history, a comparison of two periods, its newest runs; by default of the last 24 hours",
)
def get_job(  # noqa: PLR0913 - one parameter a choice
    request: Request[Any, Any, Any],
    store: GivenStore,
    context: GivenContext,
    *,
    window: GivenWindow,
    of_queues: GivenFilter,
    # Read from the path as it was sent, and declared for the description.
    job: Annotated[str, PathParameter(description="The name of the job, percent-encoded.")],  # noqa: ARG001
    compare_from: Annotated[
        str | None, QueryParameter(description="When the earlier period begins; by default as long before `from`.")
    ] = None,
    compare_to: Annotated[
        str | None, QueryParameter(description="When the earlier period ends; by default at `from`.")
    ] = None,
    step: Step = None,
    sample: Annotated[
        int | None,
        QueryParameter(ge=1, le=MOST_SAMPLED, description="How many of its newest finished runs `sample` covers."),
    ] = None,
    newest: Annotated[
        int, QueryParameter(ge=1, le=MOST_NEWEST, description="How many of its newest finished runs are listed.")
    ] = NEWEST,
) -> JobDetail:
    """Answer for a job by its name, which may hold slashes, percent-encoded or not."""
    name = name_after(request, f"{PATH}/")
    now = context.clock()
    low, high = asking.last_day(window, now)
    earlier = asking.window(compare_from, compare_to, now=now, zone=context.zone, names=("compare_from", "compare_to"))
    asked = Asked(
        earlier=asking.earlier(earlier, (low, high)),
        step=None if step is None else asking.step("step", step),
        sample=context.sample if sample is None else sample,
        newest=newest,
    )
    found = stats.job(store, name, of_queues, (low, high), asked)
    if found is None:
        raise unknown("job", name)
    return found
