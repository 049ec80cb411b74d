"""Runs, a page at a time, and single tasks."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get
from litestar.params import PathParameter, QueryParameter

from taskscope import stats
from taskscope.server.asked import (
    GivenFilter,
    GivenWindow,
    Names,
    Outcomes,
    PageCursor,
    Services,
    States,
    Text,
    Workers,
    limit,
)
from taskscope.server.context import GivenStore
from taskscope.server.shapes import typed
from taskscope.server.tail import name_after, unknown
from taskscope.stats import asking
from taskscope.stats.items import Runs
from taskscope.stats.listing import DEFAULT_LIMIT, MAX_LIMIT
from taskscope.stats.searching import SCAN
from taskscope.stats.task import DEFAULT_FACTS, MOST_FACTS, TaskDetail

PATH = "/api/v1/runs"


@get(
    PATH,
    sync_to_thread=True,
    operation_id="listRuns",
    summary="Runs, the newest start first, a page at a time",
    description=f"Text, labels and fingerprints are looked for among about {SCAN} runs a page: a page may then hold "
    "fewer runs than asked for, even none, and still have a `next_cursor`, where the search goes on.",
)
def list_runs(  # noqa: PLR0913 - one parameter a filter
    store: GivenStore,
    *,
    window: GivenWindow,
    of_jobs: GivenFilter,
    states: States = None,
    outcomes: Outcomes = None,
    workers: Workers = None,
    text: Text = None,
    labels: Annotated[
        Names, QueryParameter(name="label", description="Only tasks whose facts have all these labels, as `key:value`.")
    ] = None,
    fingerprints: Annotated[
        Names, QueryParameter(name="fingerprint", description="Only failures with these fingerprints.")
    ] = None,
    limit: Annotated[int, limit(MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: PageCursor = None,
) -> Runs:
    """Answer what `taskscope runs` answers."""
    more = asking.where(states=states, outcomes=outcomes, workers=workers)
    where = of_jobs._replace(states=more.states, outcomes=more.outcomes, workers=more.workers)
    search = asking.search(where, text=text, labels=labels, fingerprints=fingerprints)
    return typed(Runs, stats.search(store, search, window=asking.bounded(window), cursor=cursor, limit=limit))


@get(
    f"{PATH}/{{task:path}}",
    sync_to_thread=True,
    operation_id="getTask",
    summary="One task: its runs, every fact that is kept of it, and why it stands as it does",
)
def get_task(
    request: Request[Any, Any, Any],
    store: GivenStore,
    # Read from the path as it was sent, and declared for the description.
    task: Annotated[str, PathParameter(description="The task id, percent-encoded.")],  # noqa: ARG001
    services: Services = None,
    facts: Annotated[
        int, QueryParameter(ge=0, le=MOST_FACTS, description="How many of its newest facts are listed.")
    ] = DEFAULT_FACTS,
) -> TaskDetail:
    """Answer for a task by its id, which may hold slashes, percent-encoded or not."""
    name = name_after(request, f"{PATH}/")
    found = stats.task(store, name, asking.names("service", services), facts)
    if found is None:
        raise unknown("task", name)
    return found
