"""`taskscope restore`: what the store holds, replaced by a copy."""

from __future__ import annotations

from pathlib import Path

import click

from taskscope import app
from taskscope.cli import tables
from taskscope.cli.session import Session, options, progress


@click.command("restore")
@options
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True, readable=True))
def command(session: Session, file: Path) -> None:
    """Replace what the store holds by the copy FILE; what it held is kept beside it. A server may go on working."""
    with progress("Restoring") as told:
        before = app.restore(session.settings, file, told)
    answer = {"file": str(file), "store": app.store_name(session.settings), "before": before and str(before)}
    session.show(answer, lambda: tables.facts(answer.items()))
