"""Following a store: what changed behind a position, and waiting for more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Position(NamedTuple):
    """A place in the store's log of changes: a number, and a token that tells it from that of another history."""

    number: int
    token: int


class Changes(NamedTuple):
    """What changed behind a position: numbers of tasks, or why they can't be named.

    Attributes
    ----------
    tasks
        The store's own numbers of the tasks that are seen otherwise now, ascending.
    missed
        Empty where `tasks` holds all of them; else `unknown` (no position of this history), `forgotten` (the log does
        not reach back so far) or `many`.
    """

    tasks: Sequence[int]
    missed: str = ""


class Watch(Protocol):
    """Waits until somebody writes, in whatever process; for one thread, but for `wake`."""

    def wait(self, timeout_s: float) -> None:
        """Return when something may have been written, after `wake`, or when the time is over."""

    def wake(self) -> None:
        """Let `wait` return; may be called from any thread."""

    def close(self) -> None:
        """Let go of what it holds."""
