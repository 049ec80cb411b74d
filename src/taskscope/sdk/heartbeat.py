"""Presence: telling that a worker is there, also while it has nothing to do.

A heartbeat covers the time from itself to its `ttl_ms`; `worker.online` alone covers nothing, so the first heartbeat
follows at once. A thread sends the others. It proves that the process lives, not that its tasks get on.
"""

import logging
import os
import threading
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
    """

    def __init__(self, recorder: Recorder, *, heartbeat_s: float, ttl_s: float, about: dict[str, Any]) -> None:
        self._recorder = recorder
        self._heartbeat_s = heartbeat_s
        self._proof = {"ttl_ms": round(ttl_s * 1000)}
        self._about = about
        self._forget()
        forks.register(self)

    def _forget(self) -> None:
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self.begun = False

    def after_fork(self) -> None:
        """Forget the parent's presence: its thread did not come along, and its boot is not the child's."""
        self._forget()

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
            self._recorder.record(
                "worker.online", self._about | {"pid": os.getpid()} | self._proof | limit, sender=sender
            )
            self._recorder.record("worker.heartbeat", self._proof, sender=sender)
            self._start_thread(sender, stop)

    def end(self) -> None:
        """Say that this worker goes, if it ever said that it was there."""
        with self._lock:
            if not self.begun:
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
            self._recorder.record("worker.heartbeat", self._proof, sender=sender)
