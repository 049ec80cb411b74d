"""`taskscope import`: events or runs from files."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taskscope import app
from taskscope.cli import feeds, tables
from taskscope.cli.intake import Intake
from taskscope.cli.session import Session, options
from taskscope.core.refusal import NAME_LIMIT
from taskscope.errors import InputError, UsageError
from taskscope.stats.packing import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import RenderableType

_TOLD = 20


@click.command("import")
@options
@click.option("--service", metavar="NAME", help="The application of lines that name none.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def command(session: Session, service: str | None, files: Sequence[str]) -> None:
    """Take events or runs from NDJSON files, plain, .gz or .zst; - is standard input.

    Good lines are kept, bad ones are named. What was imported before counts once.
    """
    if service is not None and not 0 < len(service) <= NAME_LIMIT:
        raise UsageError(f"--service has {len(service)} characters; use 1 to {NAME_LIMIT}")
    if files.count(feeds.STDIN) > 1:
        raise UsageError("standard input can be read once; name - a single time")
    for name in files:
        feeds.check(name)
    with session.store() as store:
        intake = Intake(store, service, app.now_us)
        with _progress(files) as advance:
            for name in files:
                _take(intake, name, advance)
        pack(store, app.now_us())  # history is asked about at once, and mostly no server runs yet
    session.show(intake.answer(), lambda: _readable(intake))
    if intake.rejected_total:
        if not session.json:
            _tell(intake)
        sys.exit(1)


def _take(intake: Intake, name: str, advance: Callable[[int], object]) -> None:
    told = os.fsencode(name).decode("utf-8", "backslashreplace")  # a name of a file need not be text
    try:
        with feeds.opened(name) as file:
            for number, line in feeds.lines(file, advance):
                intake.take(told, number, line)
    except InputError as error:
        intake.refuse(told, None, str(error))
    except FileNotFoundError as error:
        intake.refuse(told, None, f"{error}; it was there when this command began")
    intake.flush()


@contextmanager
def _progress(files: Sequence[str]) -> Iterator[Callable[[int], object]]:
    """Show a bar on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import Progress  # noqa: PLC0415 - only a terminal needs it

    known = all(name != feeds.STDIN and Path(name).is_file() for name in files)
    total = sum(Path(name).stat().st_size for name in files) if known else None
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("Importing", total=total)
        yield lambda count: progress.advance(bar, count)


def _readable(intake: Intake) -> RenderableType:
    return tables.facts(
        (
            ("accepted events", intake.accepted),
            ("duplicates", intake.duplicates),
            ("runs", intake.runs),
            ("rejected lines", intake.rejected_total),
        )
    )


def _tell(intake: Intake) -> None:
    for refused in intake.rejected[:_TOLD]:
        place = refused["file"] if refused["line"] is None else f"{refused['file']}:{refused['line']}"
        click.echo(tables.written(f"{place}: {refused['error']}"), err=True)
    if (more := intake.rejected_total - _TOLD) > 0:
        click.echo(f"... and {more} more; --json lists them", err=True)
