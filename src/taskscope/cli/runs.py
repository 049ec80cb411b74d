"""`taskscope runs`: the list of runs, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from taskscope import stats
from taskscope.cli import tables, times
from taskscope.cli.session import Session, options
from taskscope.stats import asking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType


@click.command("runs")
@options
@times.names_option("--state", help="Only these states, such as PROCESSING or FAILED.")
@times.names_option("--outcome", help="Only these outcomes, such as failed or timed_out.")
@times.job_option
@times.queue_option
@times.names_option("--worker", help="Only these workers.")
@times.service_option
@click.option("--text", help="Only runs whose error holds this in its type or message.")
@times.names_option("--label", help="Only tasks with these labels, as key:value.")
@times.names_option("--fingerprint", help="Only failures of these groups.")
@times.window_options
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at most.")
@click.option("--cursor", help="Go on behind an earlier page: its next_cursor.")
def command(  # noqa: PLR0913 - one parameter an option
    session: Session,
    *,
    state: Sequence[str],
    outcome: Sequence[str],
    job: Sequence[str],
    queue: Sequence[str],
    worker: Sequence[str],
    service: Sequence[str],
    text: str | None,
    label: Sequence[str],
    fingerprint: Sequence[str],
    start: str | None,
    end: str | None,
    limit: int,
    cursor: str | None,
) -> None:
    """List runs, the newest start first."""
    window = asking.bounded(times.window(session.settings, start, end))
    where = asking.where(states=state, outcomes=outcome, jobs=job, queues=queue, workers=worker, services=service)
    wanted = asking.search(where, text=text, labels=label, fingerprints=fingerprint)
    with session.reading() as store:
        answer = stats.search(store, wanted, window=window, cursor=cursor, limit=limit)
    session.show(answer, lambda: _readable(answer))
    if answer["next_cursor"] and not session.json:
        click.echo(f"There are more: --cursor {answer['next_cursor']}", err=True)


def _readable(answer: dict[str, Any]) -> RenderableType:
    fields = ("task", "attempt", "job", "queue", "worker", "state", "outcome", "started_at", "duration_ms", "wait_ms")
    rows = [[item[field] for field in fields] for item in answer["items"]]
    return tables.table([field.replace("_ms", " ms").replace("_at", "") for field in fields], rows)
