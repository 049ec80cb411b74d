"""The options that name windows of time and filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from taskscope import app
from taskscope.stats import asking

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskscope.config import Settings

F = TypeVar("F", bound="Callable[..., object]")


def window_options(function: F) -> F:
    """Add --from and --to."""
    start = click.option("--from", "start", metavar="T", help=f"From when on: {asking.TIME_FORMS}.")
    end = click.option("--to", "end", metavar="T", help="Until when; the day of a date is included.")
    return start(end(function))


def window(settings: Settings, start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """Read --from and --to."""
    return asking.window(start, end, now=app.now_us(), zone=settings.zone)


def names_option(*names: str, help: str) -> Callable[[F], F]:  # noqa: A002 - click calls it so
    r"""Add an option that takes names: several times, or separated by commas."""
    return click.option(*names, multiple=True, metavar="NAME[,NAME...]", help=help)


def service_option(function: F) -> F:
    """Add --service."""
    return names_option("--service", help="Only these services.")(function)


def job_option(function: F) -> F:
    """Add --job."""
    return names_option("--job", help=r"Only these jobs; a comma inside of a name is written \, here.")(function)


def queue_option(function: F) -> F:
    """Add --queue, and --endpoint which is the same."""
    return names_option("--queue", "--endpoint", "queue", help="Only these queues.")(function)
