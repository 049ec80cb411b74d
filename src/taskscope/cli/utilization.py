"""`taskscope utilization`: who was busy, and who idled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.console import Group

from taskscope import app, stats
from taskscope.cli import tables, times
from taskscope.cli.session import Session, options
from taskscope.stats import asking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType


@click.command("utilization")
@options
@times.window_options
@click.option("--step", default="1m", show_default=True, metavar="D", help="Length of a bucket, such as 5s or 1h.")
@times.queue_option
@times.service_option
def command(
    session: Session,
    start: str | None,
    end: str | None,
    step: str,
    queue: Sequence[str],
    service: Sequence[str],
) -> None:
    """Show how busy workers were, by bucket and by worker; without a window: the last hour."""
    low, high = asking.last_hour(times.window(session.settings, start, end), app.now_us())
    where = asking.where(queues=queue, services=service)
    with session.reading() as store:
        answer = stats.utilization(store, where, low, high, asking.step("--step", step))
    session.show(answer, lambda: _readable(answer))


def _readable(answer: dict[str, Any]) -> RenderableType:
    buckets = tables.table(
        ("start", "active", "idle", "utilization", "busy ms", "completed", "finished"),
        [
            (
                bucket["start"],
                bucket["active_workers"],
                bucket["idle_workers"],
                tables.percent(bucket["avg_utilization"]),
                bucket["busy_ms"],
                bucket["tasks_completed"],
                bucket["tasks_finished"],
            )
            for bucket in answer["buckets"]
        ],
    )
    workers = tables.table(
        ("worker", "service", "utilization", "busy ms", "idle ms"),
        [
            (row["worker"], row["service"], tables.percent(row["utilization"]), row["busy_ms"], row["idle_ms"])
            for row in answer["workers"]
        ],
    )
    peak = answer["peak_concurrency"]
    highest = f"peak concurrency: {tables.written(peak['max'])} at {peak['first_at'] or '-'}"
    return Group(buckets, "", workers, "", highest, *tables.incomplete(answer["gaps"]))
