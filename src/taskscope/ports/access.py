"""Who may do what, and who did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskscope.core.access import Action, SignIn, Token


class Access(Protocol):
    """Tokens, those who are signed in, and what was done: one transaction long."""

    def tokens(self) -> list[Token]:
        """Give every token that ever was, by name."""

    def token(self, digest: bytes) -> Token | None:
        """Give the token with a hash, valid or not."""

    def has_tokens_beside(self, name: str) -> bool:
        """Tell whether there ever was a token of another name."""

    def add_token(self, token: Token) -> bool:
        """Keep a token; False where there is, or was, one of this name."""

    def revoke(self, name: str, now: int) -> Token | None:
        """Revoke a token, and give it as it was before; None where there is none. The first time stands."""

    def touch(self, used: Mapping[str, int]) -> None:
        """Write when tokens were last used; an earlier time than the one that is known changes nothing."""

    def sign_in(self, begun: SignIn) -> None:
        """Keep that somebody is signed in."""

    def signed_in(self, digest: bytes) -> tuple[SignIn, Token] | None:
        """Give who is signed in with a cookie of this hash, and the token, valid or not."""

    def sign_out(self, digest: bytes) -> None:
        """Forget somebody who was signed in."""

    def forget_signed_in(self, now: int) -> None:
        """Forget all whose time is over."""

    def begin(self, action: Action) -> int:
        """Write that somebody wants something; give its number. Nothing that is written here can be changed."""

    def end(self, action: int, time: int, status: int, before: Any, after: Any) -> None:
        """Write what became of it; once."""

    def actions(self, before: int | None, limit: int) -> list[Action]:
        """Give actions, the newest first, below a number."""
