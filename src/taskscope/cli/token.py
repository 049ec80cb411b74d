"""`taskscope token`: makes, lists and revokes what opens a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from taskscope import app
from taskscope.cli import tables
from taskscope.cli.session import Session, options
from taskscope.core.access import SCOPES
from taskscope.server.access import tokens
from taskscope.server.access.journal import local_action
from taskscope.stats import asking

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.group("token")
def command() -> None:
    """Make, list and revoke the tokens that open a server."""


@command.command("create")
@options
@click.option("--name", required=True, metavar="NAME", help="What it is for; never used again.")
@click.option("--scopes", required=True, multiple=True, metavar="SCOPE[,...]", help=f"Some of {', '.join(SCOPES)}.")
@click.option("--service", "services", multiple=True, metavar="NAME[,...]", help="Only facts of these (ingest).")
@click.option("--expires", metavar="T", help=f"When it ends, such as +90d (default: never). {asking.TIME_FORMS}.")
def create(
    session: Session, name: str, scopes: tuple[str, ...], services: tuple[str, ...], expires: str | None
) -> None:
    """Make a token and print it: nobody can see it again."""
    now, zone = app.now_us(), session.settings.zone
    ends = None if expires is None else asking.time("--expires", expires, now=now, zone=zone, inclusive=True)
    given = [scope.strip() for text in scopes for scope in text.split(",") if scope.strip()]
    bound = asking.names("--service", services) if services else None
    with session.store() as store, local_action(store, "token create", now) as (access, change):
        token, secret = tokens.create(access, name, given, services=bound, expires=ends, now=now)
        change.after = tokens.listed(token, now)
    answer = tokens.made(token, secret)
    session.show(answer, lambda: tables.plain(secret))
    if not session.json:
        click.echo("Keep it now: it is not shown again.", err=True)


@command.command("list")
@options
def list_all(session: Session) -> None:
    """List all tokens that ever were, but not the tokens themselves."""
    now = app.now_us()
    with session.store() as store, store.access() as access:
        found = [tokens.listed(token, now) for token in access.tokens()]
    session.show({"items": found}, lambda: _readable(found))


@command.command("revoke")
@options
@click.argument("name")
def revoke(session: Session, name: str) -> None:
    """End a token, and all that are signed in with it, for ever."""
    now = app.now_us()
    with session.store() as store, local_action(store, "token revoke", now) as (access, change):
        before = tokens.revoke(access, name, now)
        after = before if before.revoked is not None else before._replace(revoked=now)
        change.before, change.after = tokens.listed(before, now), tokens.listed(after, now)
    answer = tokens.listed(after, now)
    session.show(answer, lambda: _readable([answer]))


def _readable(found: list[dict[str, Any]]) -> RenderableType:
    columns = ("name", "state", "scopes", "services", "expires", "last used")
    return tables.table(
        columns,
        [
            (
                one["name"],
                one["state"],
                " ".join(one["scopes"]),
                "all" if one["services"] is None else " ".join(one["services"]),
                one["expires_at"],
                one["last_used_at"],
            )
            for one in found
        ],
    )
