"""`taskscope tick`: every loop once."""

from __future__ import annotations

import click

from taskscope import app
from taskscope.cli import tables
from taskscope.cli.session import Session, options
from taskscope.core.clock import to_text
from taskscope.stats import asking


@click.command("tick")
@options
@click.option("--at", "at", default="now", show_default=True, metavar="T", help=f"When: {asking.TIME_FORMS}.")
def command(session: Session, at: str) -> None:
    """Run every loop once as if it were T; refuses while a server holds the home."""
    now = asking.time("--at", at, now=app.now_us(), zone=session.settings.zone)
    with app.Home(session.settings.home).unserved(), session.store() as store:
        done = app.tick(session.settings, store, now)
    answer = {"at": to_text(now), "mark": to_text(done["mark"]), "seen": done["seen"], "retention": done["retention"]}
    pairs = [*answer.items()][:-1] + [(f"retention: {name}", count) for name, count in done["retention"].items()]
    session.show(answer, lambda: tables.facts(pairs))
