"""`taskscope verify`: whether what is shown is what the facts say."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group

from taskscope import app, stats
from taskscope.cli import tables
from taskscope.cli.session import Session, options

if TYPE_CHECKING:
    from rich.console import RenderableType

_TOLD = 20


@click.command("verify")
@options
def command(session: Session) -> None:
    """Compute states and cells again from the log, and compare; exits with 1 where they differ."""
    with session.reading() as store:
        answer = stats.verify(store)
        app.verified(store, answer["differences_total"], app.now_us())
    session.show(answer, lambda: _readable(answer))
    if answer["differences"]:
        sys.exit(1)


def _readable(answer: dict[str, Any]) -> RenderableType:
    differences = answer["differences"]
    verdict = f"{len(differences)} differences" if differences else "no difference"
    counts = tables.facts((("attempts", answer["attempts"]), ("cells", answer["cells"]), ("verdict", verdict)))
    told = [tables.written(difference) for difference in differences[:_TOLD]]
    if len(differences) > _TOLD:
        told.append(f"... and {len(differences) - _TOLD} more; --json lists them")
    return Group(counts, *(tables.plain(line) for line in told))
