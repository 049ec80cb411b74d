"""The hub: one thread that watches the store for all who listen, and none when nobody does."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from taskscope.errors import StoreError, UsageError
from taskscope.server.live import messages
from taskscope.server.live.follower import Follower
from taskscope.server.live.subscription import Key, Subscription
from taskscope.server.live.topics import read_filter, topics
from taskscope.server.live.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from taskscope.ports import Store
    from taskscope.server.live.messages import Close, Subscribe

MOST_FOLLOWERS = 500
MOST_SUBSCRIPTIONS = 16
MOST_CHANNELS = 200

LOOK_S = 0.25
"""How often the store is looked at though nothing hints that somebody wrote."""
GATHER_S = 0.02
"""The least time between two looks: what is written meanwhile is told together."""
TROUBLE_S = 10.0
"""How long the store may fail to answer until the followers are told."""

_log = logging.getLogger("taskscope")


class Hub:
    """Who listens to what; one for a server.

    Parameters
    ----------
    store
        What is followed.
    clock
        Gives the time, microseconds.
    performance_s
        How often the performance is told.
    """

    def __init__(self, store: Store, clock: Callable[[], int], performance_s: float) -> None:
        self.topics = topics(performance_s)
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._followers: set[Follower] = set()
        self._asked: dict[Key, list[Subscription]] = {}
        self._wake: Callable[[], None] = lambda: None
        self._watching = False
        self._ending = threading.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let the thread work until the end of the context, when all who listen are told to go."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="live")
        try:
            yield
        finally:
            self._ending.set()
            self._end_all(messages.ENDING)
            self._wake()
            await asyncio.to_thread(self._thread.shutdown)

    # --- what connections ask for, in their event loop ---

    def join(self) -> Follower | None:
        """Let somebody listen; None where too many do."""
        with self._lock:
            if len(self._followers) >= MOST_FOLLOWERS or self._ending.is_set():
                return None
            follower = Follower()
            self._followers.add(follower)
            if not self._watching:
                self._watching = True
                self._thread.submit(self._watch)
        follower.offer(messages.hello(list(self.topics)))
        return follower

    def leave(self, follower: Follower) -> None:
        """Forget somebody who listened."""
        with self._lock:
            self._followers.discard(follower)
        for name in list(follower.subscriptions):
            self.unsubscribe(follower, name)
        self._wake()

    def subscribe(self, follower: Follower, asked: Subscribe) -> None:
        """Let somebody follow a topic; under a name that is in use, it takes the place of the one before.

        Raises
        ------
        UsageError
            There is no such topic, its filter makes no sense, or it is too much.
        """
        if asked.topic not in self.topics:
            raise UsageError(f"there is no topic {asked.topic[:64]!r}; follow one of {', '.join(self.topics)}")
        key = Key(asked.topic, read_filter(asked.topic, self.topics[asked.topic], asked.filter))
        self.unsubscribe(follower, asked.id)
        if len(follower.subscriptions) >= MOST_SUBSCRIPTIONS:
            raise UsageError(f"a connection follows at most {MOST_SUBSCRIPTIONS} topics; unsubscribe one first")
        cursor = None if asked.cursor is None else messages.read_cursor(asked.cursor)
        one = Subscription(follower, asked.id, key, cursor, resumes=asked.cursor is not None)
        with self._lock:
            if key not in self._asked and len(self._asked) >= MOST_CHANNELS:
                raise UsageError("too many different filters are followed on this server; try again later")
            self._asked.setdefault(key, []).append(one)
        follower.subscriptions[asked.id] = one
        self._wake()

    def unsubscribe(self, follower: Follower, name: str) -> None:
        """Let somebody follow a topic no longer."""
        one = follower.subscriptions.pop(name, None)
        if one is None:
            return
        with self._lock:
            left = [other for other in self._asked[one.key] if other is not one]
            if left:
                self._asked[one.key] = left
            else:
                del self._asked[one.key]

    def _end_all(self, close: Close) -> None:
        with self._lock:
            followers = list(self._followers)
        for follower in followers:
            follower.end(close)

    # --- the one thread that looks ---

    def _watch(self) -> None:
        try:
            with Watcher(self._store) as watcher:
                self._wake = watcher.wake
                while self._anybody():
                    self._look(watcher)
                    watcher.wait(LOOK_S)
        except Exception as error:  # noqa: BLE001 - whatever it is, who listens must hear that nothing comes any more
            _log.error("the live stream failed", exc_info=error)
            self._end_all(messages.TROUBLE)
            with self._lock:
                self._watching = False
        finally:
            self._wake = lambda: None

    def _anybody(self) -> bool:
        with self._lock:
            self._watching = bool(self._followers) and not self._ending.is_set()
            return self._watching

    def _look(self, watcher: Watcher) -> None:
        with self._lock:
            asked = {key: list(ones) for key, ones in self._asked.items()}
            followers = list(self._followers)
        try:
            watcher.look(asked, self.topics, self._clock())
        except StoreError as error:
            if watcher.failing_s() >= TROUBLE_S:
                self._end_all(messages.TROUBLE)
            _log.warning("the live stream can't look at the store: %s", error)
            self._ending.wait(1.0)
            return
        if watcher.is_time_for_heartbeat():
            said = messages.heartbeat(watcher.cursor, self._clock())
            for follower in followers:
                follower.offer(said)
        self._ending.wait(GATHER_S)
