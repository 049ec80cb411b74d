"""`taskscope backup`: a consistent copy of the store."""

from __future__ import annotations

from pathlib import Path

import click

from taskscope import app
from taskscope.cli import tables
from taskscope.cli.session import Session, options, progress
from taskscope.errors import UsageError


@click.command("backup")
@options
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
def command(session: Session, file: Path, *, force: bool) -> None:
    """Write a consistent copy of the store to FILE; a server may go on working."""
    if file.exists() and not force:
        raise UsageError(f"{file} is there; name another file, or replace it with --force")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {file.absolute().parent}; make it first")
    with progress("Copying") as told:
        app.backup(session.settings, file, told)
    answer = {"file": str(file), "bytes": file.stat().st_size}
    session.show(answer, lambda: tables.facts(answer.items()))
