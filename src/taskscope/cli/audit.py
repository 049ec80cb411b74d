"""`taskscope audit`: who did what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from taskscope.cli import tables
from taskscope.cli.export import target
from taskscope.cli.session import Session, options
from taskscope.server.access import journal

if TYPE_CHECKING:
    from taskscope.ports import Store

_PAGE = 1_000


@click.command("audit")
@options
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, _PAGE), help="How many, newest first.")
@click.option("--cursor", metavar="C", help="next_cursor of the page before.")
@click.option("--output", metavar="FILE", help="Write all of them to a file, one JSON object a line; - for stdout.")
def command(session: Session, limit: int, cursor: str | None, output: str | None) -> None:
    """List who did what: every action that took the scope operate or admin, and tokens made on this machine."""
    with session.store() as store:
        if output is not None:
            _export(store, output)
            return
        found = journal.page(store, cursor, limit)
    columns = ("number", "time", "who", "from", "what", "status")
    rows = [[one[column] for column in columns] for one in found["items"]]
    session.show(found, lambda: tables.table(columns, rows))


def _export(store: Store, output: str) -> None:
    cursor: str | None = None
    with target(output) as file:
        while True:
            page = journal.page(store, cursor, _PAGE)
            file.writelines(msgspec.json.encode(one) + b"\n" for one in page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return
