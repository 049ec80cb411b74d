"""Tokens, those who are signed in, and what was done: the same on every store that speaks SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from taskscope.core.access import Action, SignIn, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Execute = Callable[[str, tuple[Any, ...]], Any]
    """Runs a statement with its values, and gives a cursor."""

_ABOVE_ALL = 2**63 - 1


class SqlAccess:
    """One view or transaction; see `taskscope.ports.Access`.

    Parameters
    ----------
    execute
        Runs a statement.
    sql
        The statements of `access.sql`, by name.
    """

    def __init__(self, execute: Execute, sql: Mapping[str, str]) -> None:
        self._execute = execute
        self._sql = sql

    def _rows(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._execute(self._sql[name], values).fetchall()
        return found

    def tokens(self) -> list[Token]:
        """Give every token that ever was, by name."""
        return [_token(row) for row in self._rows("tokens")]

    def token(self, digest: bytes) -> Token | None:
        """Give the token with a hash."""
        return next((_token(row) for row in self._rows("token", digest)), None)

    def has_tokens_beside(self, name: str) -> bool:
        """Tell whether there ever was a token of another name."""
        return bool(self._rows("has_tokens_beside", name)[0][0])

    def add_token(self, token: Token) -> bool:
        """Keep a token; False where its name is taken."""
        services = None if token.services is None else _json(token.services)
        values = (token.name, token.digest, " ".join(token.scopes), services, *token[4:])
        return bool(self._execute(self._sql["add_token"], values).rowcount)

    def revoke(self, name: str, now: int) -> Token | None:
        """Revoke a token, and give it as it was before."""
        found = next((_token(row) for row in self._rows("named", name)), None)
        if found is not None:
            self._execute(self._sql["revoke"], (now, name))
        return found

    def touch(self, used: Mapping[str, int]) -> None:
        """Write when tokens were last used; in one order, so that two servers don't wait for each other."""
        for name in sorted(used):
            self._execute(self._sql["touch"], (name, used[name]))

    def sign_in(self, begun: SignIn) -> None:
        """Keep that somebody is signed in."""
        self._execute(self._sql["sign_in"], tuple(begun))

    def signed_in(self, digest: bytes) -> tuple[SignIn, Token] | None:
        """Give who is signed in, and with which token."""
        return next(((SignIn._make(row[:4]), _token(row[4:])) for row in self._rows("signed_in", digest)), None)

    def sign_out(self, digest: bytes) -> None:
        """Forget somebody who was signed in."""
        self._execute(self._sql["sign_out"], (digest,))

    def forget_signed_in(self, now: int) -> None:
        """Forget all whose time is over."""
        self._execute(self._sql["forget_signed_in"], (now,))

    def begin(self, action: Action) -> int:
        """Write that somebody wants something."""
        return int(self._rows("begin", action.time, action.who, action.origin, action.what)[0][0])

    def end(self, action: int, time: int, status: int, before: Any, after: Any) -> None:
        """Write what became of it."""
        values = (action, time, status, *(None if value is None else _json(value) for value in (before, after)))
        self._execute(self._sql["end"], values)

    def actions(self, before: int | None, limit: int) -> list[Action]:
        """Give actions, the newest first."""
        rows = self._rows("actions", _ABOVE_ALL if before is None else before, limit)
        return [
            Action(*row[:6], *(None if text is None else msgspec.json.decode(text) for text in row[6:])) for row in rows
        ]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _token(row: tuple[Any, ...]) -> Token:
    name, digest, scopes, services, *instants = row
    names = None if services is None else tuple(msgspec.json.decode(services))
    return Token(name, bytes(digest), tuple(scopes.split()), names, *instants)
