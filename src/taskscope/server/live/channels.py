"""A channel: one topic with one filter. Its picture is drawn once for all who follow it, however many they are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from taskscope.server.live import messages
from taskscope.server.live.topics import RUNS
from taskscope.stats.listing import item

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from taskscope.ports import Filter, Position, RunRow, Store, TaskKey
    from taskscope.server.live.subscription import Key, Subscription
    from taskscope.server.live.topics import Topic

PAUSE_S = 0.25
"""The least time between two pictures of a channel."""
COST_SHARE = 10
"""A picture that took long is drawn again after so many times as long: followers never keep the store busy."""
MOST_KNOWN = 10_000
ERROR_CHARACTERS = 500

START = "start"
FIRST, LATER = 0.0, 1.0
"""Ranks of channels: those that tell changes come first, the others by how long they have waited."""


class Missed(NamedTuple):
    """What changed since somebody looked or listened.

    Attributes
    ----------
    tasks
        The tasks that changed, with all their runs.
    why
        Empty where that is all of them; else why it can't be told: `unknown`, `forgotten` or `many`.
    """

    tasks: Mapping[TaskKey, Sequence[RunRow]]
    why: str = ""


class Moment(NamedTuple):
    """A look at the store.

    Attributes
    ----------
    store, now, seconds
        Where pictures are drawn from, the time in microseconds, and a clock that never goes back.
    position
        Everything up to it is known.
    since
        What changed since the last look.
    """

    store: Store
    now: int
    seconds: float
    position: Position
    since: Missed


class Channel:
    """A topic whose messages hold the whole picture: it is sent again when it differs from the last one."""

    def __init__(self, key: Key, topic: Topic) -> None:
        self.key = key
        self.following: set[Subscription] = set()
        self._topic = topic
        self._joining: list[tuple[Subscription, str, str]] = []
        self._data: dict[str, Any] = {}
        self._said = b""
        self._drawn: Position | None = None
        self._not_before_s = 0.0
        self._next_s = 0.0

    @property
    def rank(self) -> float:
        """In which order channels look; the least first."""
        return LATER + self._not_before_s

    @property
    def is_behind(self) -> bool:
        """Whether followers are still to be told of something that the last look has seen."""
        return False

    def join(self, one: Subscription, moment: Moment, missed: Missed | None) -> None:  # noqa: ARG002 - all join alike
        """Take in a follower, who is told at the next look how things stand."""
        self.following.add(one)
        if missed is None:
            self._joining.append((one, "snapshot", START))
        elif missed.why in ("", "many"):
            self._joining.append((one, "change", ""))
        else:
            self._joining.append((one, "snapshot", missed.why))

    def leave(self, one: Subscription) -> None:
        """Let a follower go."""
        self.following.discard(one)
        self._joining = [joining for joining in self._joining if joining[0] is not one]

    def look(self, moment: Moment) -> None:
        """Tell the followers what is new."""
        if self._is_due(moment):
            before = self._data
            self._draw(moment)
            if self._topic.steady or self._data != before:
                self._tell("change", self._said)
        self._welcome()

    def _is_due(self, moment: Moment) -> bool:
        if self._drawn is None or moment.seconds >= self._next_s:
            return True
        if self._topic.steady or moment.seconds < self._not_before_s:
            return False
        return moment.position != self._drawn

    def _draw(self, moment: Moment) -> None:
        begun = time.monotonic()
        self._data = self._topic.picture(moment.store, self.key.where, moment.now)
        cost_s = time.monotonic() - begun
        self._drawn = moment.position
        self._said = messages.body(self.key.topic, messages.write_cursor(moment.position), self._data)
        self._not_before_s = moment.seconds + max(PAUSE_S, COST_SHARE * cost_s)
        self._next_s = moment.seconds + max(self._topic.every_s, COST_SHARE * cost_s)

    def _tell(self, kind: str, said: bytes, reason: str = "") -> None:
        joining = {one for one, _, _ in self._joining}
        for one in self.following - joining:
            one.tell(kind, said, reason)

    def _welcome(self) -> None:
        for one, kind, reason in self._joining:
            one.tell(kind, self._said, reason)
        self._joining = []


class RunsChannel(Channel):
    """The runs: the newest at first, then each task that changed, with all its runs that are wanted."""

    def __init__(self, key: Key, topic: Topic) -> None:
        super().__init__(key, topic)
        self._known: dict[TaskKey, None] = {}
        self._missed = ""

    @property
    def rank(self) -> float:
        """In which order channels look; the least first."""
        return FIRST

    @property
    def is_behind(self) -> bool:
        """Whether followers are still to be told of something that the last look has seen."""
        return bool(self._missed or self._joining)

    def join(self, one: Subscription, moment: Moment, missed: Missed | None) -> None:
        """Take in a follower: who comes back is told what he missed, others at the next look how things stand."""
        if missed is not None and not missed.why:
            one.tell("change", self._changed(moment.position, missed.tasks, everything=True))
        else:
            self._joining.append((one, "snapshot", START if missed is None else missed.why))
        self.following.add(one)

    def look(self, moment: Moment) -> None:
        """Tell the followers what is new."""
        if moment.since.why:
            self._missed = moment.since.why
        elif moment.since.tasks and not self._missed:
            said = self._changed(moment.position, moment.since.tasks)
            if said:
                self._tell("change", said)
        outdated = self._missed or (self._joining and self._drawn != moment.position)
        if outdated and moment.seconds >= self._not_before_s:
            self._draw(moment)
            self._remember((run["service"], run["task"]) for run in self._data["items"])
            if self._missed:
                self._tell("snapshot", self._said, self._missed)
                self._missed = ""
        if self._drawn == moment.position and not self._missed:
            self._welcome()

    def _draw(self, moment: Moment) -> None:
        super()._draw(moment)
        self._data["items"] = [_shortened(run) for run in self._data["items"]]
        self._said = messages.body(self.key.topic, messages.write_cursor(moment.position), self._data)

    def _changed(
        self, position: Position, tasks: Mapping[TaskKey, Sequence[RunRow]], *, everything: bool = False
    ) -> bytes:
        """Write what changed; a task that has no run any more that is wanted is told to those who know it."""
        where = self.key.where
        found = []
        for key, rows in sorted(tasks.items()):
            runs = [_shortened(item(row)) for row in rows if wanted(where, row)]
            if runs:
                self._remember([key])
            elif not everything and key not in self._known:
                continue
            found.append({"service": key[0], "task": key[1], "runs": runs})
        if not found and not everything:
            return b""
        return messages.body(self.key.topic, messages.write_cursor(position), {"tasks": found})

    def _remember(self, tasks: Iterable[TaskKey]) -> None:
        for key in tasks:
            self._known.pop(key, None)
            self._known[key] = None
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]


def make(key: Key, topic: Topic) -> Channel:
    """Make the channel of a topic."""
    return RunsChannel(key, topic) if key.topic == RUNS else Channel(key, topic)


def wanted(where: Filter, row: RunRow) -> bool:
    """Tell whether a run passes a filter, by the rules by which the store lists them."""
    pairs = (
        (where.services, row.service),
        (where.jobs, row.job),
        (where.queues, row.queue),
        (where.workers, row.worker),
        (where.states, row.state),
        (where.outcomes, row.outcome),
    )
    return all(values is None or value in values for values, value in pairs)


def _shortened(run: dict[str, Any]) -> dict[str, Any]:
    error = run["error"]
    if error is None or len(error["message"] or "") <= ERROR_CHARACTERS:
        return run
    return run | {"error": error | {"message": error["message"][:ERROR_CHARACTERS] + "…"}}
