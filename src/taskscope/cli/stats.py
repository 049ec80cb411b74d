"""`taskscope stats`: what happened in a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.console import Group

from taskscope import stats
from taskscope.cli import tables, times
from taskscope.cli.session import Session, options
from taskscope.stats import asking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

_COUNTS = ("submitted", "succeeded", "failed", "timed_out", "cancelled", "lost", "running", "pending")


@click.command("stats")
@options
@times.window_options
@times.queue_option
@times.job_option
@times.service_option
def command(
    session: Session,
    start: str | None,
    end: str | None,
    queue: Sequence[str],
    job: Sequence[str],
    service: Sequence[str],
) -> None:
    """Count runs and tasks, with their rates, durations and waits; without a window: all there is."""
    low, high = times.window(session.settings, start, end)
    where = asking.where(queues=queue, jobs=job, services=service)
    with session.reading() as store:
        answer = stats.stats(store, where, low, high)
    session.show(answer, lambda: _readable(answer))


def _readable(answer: dict[str, Any]) -> RenderableType:
    rows = [_row("all", answer), *(_row(job["job"], job) for job in answer["jobs"])]
    columns = ("job", *_COUNTS, "success", "avg ms", "p50 ms", "p95 ms", "wait p95 ms")
    table = tables.table(columns, rows, title=f"{answer['from'] or 'nothing yet'} to {answer['to'] or ''}")
    return Group(table, *tables.incomplete(answer["gaps"]))


def _row(name: str | None, block: dict[str, Any]) -> tuple[Any, ...]:
    spread, wait = block["duration_ms"], block["wait_ms"]
    return (
        name,
        *(block[field] for field in _COUNTS),
        tables.percent(block["success_rate"]),
        *(spread[field] for field in ("avg", "p50", "p95")),
        wait["p95"],
    )
