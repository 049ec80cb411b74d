"""Looking at the store for all channels: one view of it tells what changed, and each channel tells its followers."""

from __future__ import annotations

import time
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Self

from taskscope.server.live import channels, messages
from taskscope.server.live.channels import FIRST, Channel, Missed, Moment
from taskscope.server.live.topics import RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskscope.ports import Position, Questions, RunRow, Store, TaskKey
    from taskscope.server.live.subscription import Key, Subscription
    from taskscope.server.live.topics import Topic

MOST_TASKS = 500
MOST_RUNS = 2_000
"""How much is told as changes; of more than that a new picture is drawn."""
LOOK_BUDGET_S = 0.1
"""How long pictures are drawn in one look."""


class Watcher:
    """What is known while somebody listens: the channels, and how far was looked; for one thread, but for `wake`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watch = store.watch()
        self._channels: dict[Key, Channel] = {}
        self._position: Position | None = None
        self._answered_s = self._heartbeat_s = time.monotonic()
        self.wake = self._watch.wake
        self.wait = self._watch.wait

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.close()

    @property
    def cursor(self) -> str:
        """How far all channels have told."""
        return messages.write_cursor(self._position) if self._position else ""

    def failing_s(self) -> float:
        """Give for how long the store has not answered."""
        return time.monotonic() - self._answered_s

    def is_time_for_heartbeat(self) -> bool:
        """Tell whether a sign of life is due; it would be a lie while a channel is behind."""
        due = time.monotonic() - self._heartbeat_s >= messages.HEARTBEAT_S
        if not due or any(channel.is_behind for channel in self._channels.values()):
            return False
        self._heartbeat_s = time.monotonic()
        return True

    def look(self, asked: Mapping[Key, Sequence[Subscription]], known: Mapping[str, Topic], now: int) -> None:
        """Read what changed since the last look, and let each channel tell it."""
        for key in self._channels.keys() - asked.keys():
            del self._channels[key]
        for key in asked.keys() - self._channels.keys():
            self._channels[key] = channels.make(key, known[key.topic])
        new = {key: [one for one in ones if one not in self._channels[key].following] for key, ones in asked.items()}
        resuming = {one.cursor for ones in new.values() for one in ones if one.resumes}
        with self._store.questions() as q:
            position = q.position()
            since = Missed({})
            if self._position not in (None, position) and any(key.topic == RUNS for key in asked):
                since = _missed(q, self._position)
            missed = {cursor: _missed(q, cursor) for cursor in resuming}
        moment = Moment(self._store, now, time.monotonic(), position, since)
        # What changed is quickly told; pictures are drawn as far as the time goes, the others at the next look.
        for channel in sorted(self._channels.values(), key=lambda channel: channel.rank):
            for gone in channel.following.difference(asked[channel.key]):
                channel.leave(gone)
            for one in new[channel.key]:
                channel.join(one, moment, missed[one.cursor] if one.resumes else None)
            if time.monotonic() - moment.seconds < LOOK_BUDGET_S or channel.rank == FIRST:
                channel.look(moment)
        self._position = position
        self._answered_s = time.monotonic()


def _missed(q: Questions, cursor: Position | None) -> Missed:
    """Read what somebody missed who knows everything up to a cursor."""
    if cursor is None:
        return Missed({}, "unknown")
    found = q.changes(cursor, MOST_TASKS)
    tasks: defaultdict[TaskKey, list[RunRow]] = defaultdict(list)
    for row in islice(q.runs_of(found.tasks), MOST_RUNS + 1):
        tasks[row.service, row.task].append(row)
    if sum(map(len, tasks.values())) > MOST_RUNS:
        return Missed({}, "many")
    return Missed(tasks, found.missed)
