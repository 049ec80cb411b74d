"""One execution of a task, as a context manager."""

import time
from types import TracebackType
from typing import Any, Self

from taskscope.sdk.fact import count, milliseconds, name, optional_name, ordinal, ratio, text
from taskscope.sdk.heartbeat import Presence
from taskscope.sdk.ids import uuid7
from taskscope.sdk.outcome import ending
from taskscope.sdk.recorder import Recorder

_NS_PER_MS = 1e6


class Run:
    """One execution: entering it records the start, leaving it the end; the exception that leaves it goes on unchanged.

    Made by `Scope.run`, entered once, by `with` or `async with`.

    Attributes
    ----------
    id
        Identity of this execution, a UUID.
    task_id
        The task that is executed.
    attempt
        Which try at it, from 1.
    """

    __slots__ = (
        "_begun_ns",
        "_data",
        "_job",
        "_pid",
        "_presence",
        "_queue",
        "_recorder",
        "_sender",
        "attempt",
        "id",
        "task_id",
    )

    def __init__(
        self,
        recorder: Recorder,
        presence: Presence,
        job: str,
        *,
        task_id: str | None,
        queue: str | None,
        attempt: int,
        data: dict[str, Any] | None,
    ) -> None:
        self._recorder = recorder
        self._presence = presence
        self._job = name(job)
        self._queue = optional_name(queue)
        self._data = data
        self._sender, self._pid = recorder.sender, recorder.pid
        self._begun_ns: int | None = None
        self.id = uuid7()
        self.task_id = (None if task_id is None else text(task_id)) or uuid7()
        self.attempt = ordinal(attempt)

    def progress(self, fraction: float) -> None:
        """Record how far it is, from 0 to 1; what is no number is left out."""
        progress = ratio(fraction)
        if progress is not None:
            self._record("task.progress", {"progress": progress})

    def output(self, n: int = 1) -> None:
        """Record that `n` more outputs were made; all that a task records add up. What is no count is left out."""
        outputs = count(n)
        if outputs is not None:
            self._record("task.output", {"outputs": outputs})

    def __enter__(self) -> Self:
        if not self._presence.begun:
            self._presence.begin()
        # A run may have been made before a fork and entered after it.
        self._sender, self._pid = self._recorder.sender, self._recorder.pid
        self._record("task.started", self._data)
        self._begun_ns = time.perf_counter_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        now_ns = time.perf_counter_ns()
        # A child that was forked inside the run leaves it too; the run is its parent's, and ends there.
        if self._begun_ns is None or self._recorder.pid != self._pid:
            return
        duration_ms = (now_ns - self._begun_ns) / _NS_PER_MS
        self._begun_ns = None
        event, data = ending(error)
        self._record(event, data, duration_ms)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _record(self, event: str, data: dict[str, Any] | None, duration_ms: float | None = None) -> None:
        self._recorder.record(
            event,
            data,
            sender=self._sender,
            task=self.task_id,
            attempt=self.attempt,
            run=self.id,
            job=self._job,
            queue=self._queue,
            duration_ms=duration_ms,
        )


def started_data(timeout_s: float | None, args: object) -> dict[str, Any] | None:
    """Give the data of a `task.started` fact, None where there is nothing to say."""
    data: dict[str, Any] = {}
    timeout_ms = milliseconds(timeout_s)
    if timeout_ms is not None:
        data["timeout_ms"] = timeout_ms
    if args is not None:
        data["args"] = args
    return data or None
