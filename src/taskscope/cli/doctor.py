"""`taskscope doctor`: what is wrong with this installation, and what to do."""

from __future__ import annotations

import platform
import sqlite3
import stat
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group

from taskscope import app
from taskscope.cli import tables
from taskscope.cli.session import Session, options
from taskscope.errors import StoreError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from taskscope.config import Settings


@click.command("doctor")
@options
def command(session: Session) -> None:
    """Look at home, store and spool, change nothing, and say what is wrong; exits with 1 where something is."""
    answer = _looked_at(session.settings)
    session.show(answer, lambda: _readable(answer))
    if not answer["ok"]:
        sys.exit(1)


def _looked_at(settings: Settings) -> dict[str, Any]:
    problems: list[dict[str, str]] = []
    path = app.store_file(settings)
    home: dict[str, Any] = {"path": str(settings.home), "exists": settings.home.is_dir(), "mode": None, "served": False}
    if home["exists"]:
        mode = stat.S_IMODE(settings.home.stat().st_mode)
        home |= {"mode": f"{mode:04o}", "served": app.Home(settings.home).is_served()}
        if mode & 0o022:
            problems.append(_problem(f"others may write to {settings.home}", f"chmod go-w {settings.home}"))
    store: dict[str, Any] = {"path": str(path), "schema": None, "bytes": path.stat().st_size if path.exists() else 0}
    try:
        store["schema"] = app.schema_version(path)
    except StoreError as error:
        problems.append(_problem(str(error), "name another store with --store, or restore a copy of it"))
    spool = app.backlog(settings.home)
    if spool["rejected_bytes"]:
        count = f"{spool['rejected']} records of the spool were refused"
        count += f", {spool['unreadable']} can't be read any more" if spool["unreadable"] else ""
        remedy = "see the reasons with `taskscope spool list`, then send them again with `taskscope spool replay`"
        problems.append(_problem(count, remedy))
    return {
        "ok": not problems,
        "problems": problems,
        "home": home,
        "store": store,
        "spool": spool,
        "versions": {
            "taskscope": version("taskscope"),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
        },
    }


def _problem(what: str, remedy: str) -> dict[str, str]:
    return {"what": what, "remedy": remedy}


def _readable(answer: dict[str, Any]) -> RenderableType:
    pairs = [
        (f"{part} {name}", value)
        for part in ("home", "store", "spool", "versions")
        for name, value in answer[part].items()
    ]
    told = [tables.plain(f"Wrong: {problem['what']}. Remedy: {problem['remedy']}") for problem in answer["problems"]]
    return Group(tables.facts(pairs), "", *(told or [tables.plain("Nothing is wrong.")]))
