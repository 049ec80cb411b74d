"""What one connection follows under one name, and how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from taskscope.server.live import messages

if TYPE_CHECKING:
    from taskscope.ports import Filter, Position
    from taskscope.server.live.follower import Follower


class Key(NamedTuple):
    """What is followed: all who follow the same are told the same."""

    topic: str
    where: Filter


class Subscription:
    """One follower of one topic; a second one of the same name is another object.

    Attributes
    ----------
    cursor
        Up to where its follower knows everything; None for nothing, `NO_CURSOR` for what is no cursor.
    """

    def __init__(self, follower: Follower, name: str, key: Key, cursor: Position | None, *, resumes: bool) -> None:
        self.follower = follower
        self.key = key
        self.cursor = cursor
        self.resumes = resumes
        self._name = name

    def tell(self, kind: str, said: bytes, reason: str = "") -> None:
        """Send what the channel says."""
        self.follower.offer(messages.message(kind, self._name, said, reason))
