"""Presence: telling that a worker is there, also while it has nothing to do.

A heartbeat covers the time from itself to its `ttl_ms`; `worker.online` alone covers nothing, so the first heartbeat
follows at once. A thread sends the others. It proves that the process lives, not that its tasks get on.
"""

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from taskscope.sdk import forks
from taskscope.sdk.interpreter import refusal
from taskscope.sdk.recorder import Recorder, Sender

_log = logging.getLogger("taskscope")


class Presence:
    """The presence of one worker, from `begin` to `end`.

    Parameters
    ----------
    recorder
        Where its facts go.
    heartbeat_s
        Seconds between two heartbeats.
    ttl_s
        How long a heartbeat counts, in seconds.
    about
        What `worker.online` tells of the worker: queues, role, host.
    look
        Gives what else may be told of the worker and changes while it is there, such as its concurrency. It is asked
        before each heartbeat, which tells what is new.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        heartbeat_s: float,
        ttl_s: float,
        about: dict[str, Any],
        look: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self._recorder = recorder
        self._heartbeat_s = heartbeat_s
        self._proof = {"ttl_ms": round(ttl_s * 1000)}
        self._about = about
        self._look = look
        self._forget()
        forks.register(self)

    def _forget(self) -> None:
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._told: dict[str, Any] = {}
        self._hand = False
        self.begun = False

    def after_fork(self) -> None:
        """Forget the parent's presence: its thread did not come along.

        The boot of a crew is the child's too, but it is the parent that tells of it.
        """
        self._forget()
        self._hand = self.begun = self._recorder.crew

    def begin(self, *, concurrency: int | None = None) -> None:
        """Say that this worker is there and keep saying so; a second call only tells a new concurrency."""
        limit = {} if concurrency is None else {"concurrency": concurrency}
        with self._lock:
            sender, stop = self._recorder.sender, self._stop
            if self.begun:
                if limit:
                    self._recorder.record("worker.heartbeat", self._proof | limit, sender=sender)
                return
            self.begun = True
            about = self._about | {"pid": os.getpid()} | self._proof | limit | self._news()
            self._recorder.record("worker.online", about, sender=sender)
            self._recorder.record("worker.heartbeat", self._proof, sender=sender)
            self._start_thread(sender, stop)

    def tell(self) -> None:
        """Tell at once what has changed, where anything has."""
        with self._lock:
            if self.begun and not self._hand and (news := self._news()):
                self._recorder.record("worker.heartbeat", self._proof | news, sender=self._recorder.sender)

    def end(self) -> None:
        """Say that this worker goes, if it ever said that it was there."""
        with self._lock:
            if not self.begun or self._hand:
                return
            self._stop.set()
            self._recorder.record("worker.offline", sender=self._recorder.sender)
            self._forget()

    def _start_thread(self, sender: Sender, stop: threading.Event) -> None:
        if refusal() is not None:
            return  # a thread that outlives a sub-interpreter aborts the whole process
        thread = threading.Thread(target=self._beat, args=(sender, stop), name="taskscope-heartbeat", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no threads left, or the interpreter is going down
            _log.warning("taskscope sends no heartbeats: %s", error)

    def _beat(self, sender: Sender, stop: threading.Event) -> None:
        while not stop.wait(self._heartbeat_s):
            self._recorder.record("worker.heartbeat", self._proof | self._news(), sender=sender)

    def _news(self) -> dict[str, Any]:
        """Give what `look` says and nobody was told yet."""
        try:
            found = self._look()
        except Exception as error:  # noqa: BLE001 - it looks at foreign objects, which may be half made or half gone
            _log.debug("taskscope can't look at the worker: %s", type(error).__name__)
            return {}
        news = {key: value for key, value in found.items() if self._told.get(key) != value}
        self._told |= news
        return news
