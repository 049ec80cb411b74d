"""What the tests of access share: tokens of every kind in the store of a server that runs."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from taskscope.core.access import SCOPES, Token
from taskscope.core.clock import DAY
from taskscope.server.access import tokens
from taskscope.server.context import clock
from taskscope.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from taskscope.ports import Store


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def admin(home: Path) -> dict[str, str]:
    return bearer((home / tokens.ADMIN_FILE).read_text().strip())


def add(store: Store, name: str, scopes: Sequence[str], services: Sequence[str] | None = None) -> str:
    """Make a token; give it."""
    with store.access(write=True) as access:
        return tokens.create(access, name, scopes, services=services, now=clock())[1]


def add_over(store: Store, name: str, *, expires: int | None = None, revoked: int | None = None) -> str:
    """Make a token that is over; give it."""
    secret = tokens.PREFIX + tokens.new_secret()
    with store.access(write=True) as access:
        access.add_token(Token(name, tokens.digest(secret), SCOPES, None, 1, expires, revoked))
    return secret


def add_every_kind(home: Path) -> dict[str, str]:
    """Make a token of each scope, one that is expired and one that is revoked; give them by name."""
    with closing(SqliteStore(home / "taskscope.db")) as store:
        made = {scope: add(store, f"only-{scope}", [scope]) for scope in SCOPES}
        made["expired"] = add_over(store, "over", expires=clock() - DAY)
        made["revoked"] = add_over(store, "gone", revoked=clock() - DAY)
        made["made up"] = tokens.PREFIX + "A" * 43
        made["no token"] = "s3cret"
        return made
