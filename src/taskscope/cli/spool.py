"""`taskscope spool`: what waits in the spool, and another chance for what was refused."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Group

from taskscope import app
from taskscope.cli import tables
from taskscope.cli.session import Session, options
from taskscope.core.instants import read_instant
from taskscope.sdk import replay as replaying
from taskscope.sdk.waiting import look

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.group("spool")
def command() -> None:
    """Look into the spool of a home, and send what was refused again."""


@command.command("list")
@options
def show(session: Session) -> None:
    """Show what waits, what was refused and what a crash tore; exits with 1 where anything was refused or torn."""
    found = look(session.settings.home)
    answer = msgspec.to_builtins(found)
    now = app.now_us()
    for part in (answer, *answer["segments"]):
        part["age_s"] = None if part["oldest"] is None else (now - read_instant("time", part["oldest"])) / 1e6
    session.show(answer, lambda: _readable(answer))
    if found.rejected.bytes or found.torn.tails:
        sys.exit(1)


@command.command("replay")
@options
def replay(session: Session) -> None:
    """Put refused records back into the spool, from where they are sent or taken in again."""
    done = replaying.replay(session.settings.home)
    answer = done._asdict()
    session.show(answer, lambda: tables.facts([*answer.items()]))
    if done.unreadable:
        sys.exit(1)


def _readable(answer: dict[str, Any]) -> RenderableType:
    rejected, torn = answer["rejected"], answer["torn"]
    segments = [
        tuple(one[name] for name in ("name", "kind", "pid", "alive", "bytes", "age_s")) for one in answer["segments"]
    ]
    reasons = [(one["records"], one["newest"], one["error"]) for one in rejected["errors"]]
    facts = [
        ("waiting bytes", answer["bytes"]),
        ("age of the oldest s", answer["age_s"]),
        ("rejected records", rejected["records"]),
        ("unreadable lines", rejected["unreadable"]),
        ("torn tails", torn["tails"]),
        ("torn bytes", torn["bytes"]),
    ]
    parts = [
        tables.table(("segment", "kind", "pid", "alive", "bytes", "age s"), segments, title="waiting"),
        tables.table(("records", "newest", "reason"), reasons, title="rejected"),
    ]
    return Group(tables.facts(facts), *(part for part, rows in zip(parts, (segments, reasons), strict=True) if rows))
