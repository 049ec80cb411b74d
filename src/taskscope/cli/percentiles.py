"""`taskscope percentiles`: how long runs took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from taskscope import stats
from taskscope.cli import tables, times
from taskscope.cli.session import Session, options
from taskscope.stats import asking

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("percentiles")
@options
@times.job_option
@times.queue_option
@times.service_option
@click.option("--last", type=click.IntRange(1, 10_000_000), help="Only the newest N runs (1000 without a window).")
@times.window_options
@click.option("--exact", is_flag=True, help="Look at every run of the window, however many there are.")
def command(
    session: Session,
    job: Sequence[str],
    queue: Sequence[str],
    service: Sequence[str],
    last: int | None,
    start: str | None,
    end: str | None,
    exact: bool,  # noqa: FBT001 - click hands flags over so
) -> None:
    """Show percentiles of run time, in milliseconds."""
    low, high = times.window(session.settings, start, end)
    where = asking.where(jobs=job, queues=queue, services=service)
    with session.reading() as store:
        answer = stats.percentiles(store, where, last=last, start=low, end=high, force_exact=exact)
    session.show(answer, lambda: tables.facts(answer.items()))
