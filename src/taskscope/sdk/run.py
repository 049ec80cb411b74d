"""One execution of a task, as a context manager."""

import sys
import time
from types import TracebackType
from typing import Any, Self

from taskscope.sdk import nesting
from taskscope.sdk.fact import count, milliseconds, name, optional_name, ordinal, ratio, text
from taskscope.sdk.heartbeat import Presence
from taskscope.sdk.ids import uuid7
from taskscope.sdk.outcome import ending
from taskscope.sdk.pace import Pace
from taskscope.sdk.recorder import Recorder
from taskscope.sdk.redaction import Redactor

_NS_PER_MS = 1e6


class Run:
    """One execution: entering it records the start, leaving it the end; the exception that leaves it goes on unchanged.

    Made by `Scope.run`, entered once, by `with` or `async with`. A run that begins inside another one names it as its
    parent.

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
        "_pace",
        "_pid",
        "_presence",
        "_queue",
        "_recorder",
        "_redactor",
        "_sender",
        "attempt",
        "id",
        "task_id",
    )

    def __init__(
        self,
        recorder: Recorder,
        presence: Presence,
        redactor: Redactor,
        job: str,
        *,
        task_id: str | None,
        queue: str | None,
        attempt: int,
        data: dict[str, Any] | None,
    ) -> None:
        self._recorder = recorder
        self._presence = presence
        self._redactor = redactor
        self._job = name(job)
        self._queue = optional_name(queue)
        self._data = data
        self._sender, self._pid = recorder.sender, recorder.pid
        self._begun_ns: int | None = None
        self._pace: Pace | None = None
        self.id = uuid7()
        self.task_id = (None if task_id is None else text(task_id)) or uuid7()
        self.attempt = ordinal(attempt)

    @property
    def active(self) -> bool:
        """Whether it has begun and not ended."""
        return self._begun_ns is not None

    def progress(self, fraction: float) -> None:
        """Record how far it is, from 0 to 1; what is no number is left out, as is what comes before or after the run.

        The first report is recorded at once and so is 1.0, of the others one a second; the last one is recorded with
        the end. So a loop may report each of its steps.
        """
        progress = ratio(fraction)
        if progress is None or self._begun_ns is None:
            return
        if self._pace is None:
            self._pace = Pace()
        if self._pace.admits(progress, time.monotonic()):
            self._record("task.progress", {"progress": progress})

    def output(self, n: int = 1) -> None:
        """Record that `n` more outputs were made; all that a task records add up. What is no count is left out."""
        outputs = count(n)
        if outputs is not None:
            self._record("task.output", {"outputs": outputs})

    def __enter__(self) -> Self:
        parent = current()
        # A run may have been made before a fork and entered after it.
        self._sender, self._pid = self._recorder.sender, self._recorder.pid
        if parent is not None and parent._recorder.crew and parent._recorder.service == self._recorder.service:  # noqa: SLF001 - one of its kind
            self._sender = parent._sender  # noqa: SLF001 - who runs the task runs what is in it
        elif not self._presence.begun:
            self._presence.begin()
            self._sender = self._recorder.sender
        data = self._data
        if parent is not None:
            data = (data or {}) | {"parent": parent._as_parent(self)}  # noqa: SLF001 - one of its kind
        self._record("task.started", data)
        self._begun_ns = time.perf_counter_ns()
        nesting.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        duration_ms = self._leave()
        if duration_ms is not None:
            self._ended(*ending(error, self._redactor), duration_ms)

    def _leave(self) -> float | None:
        """Stop being under way, and give the duration; None where no end is to be recorded."""
        now_ns = time.perf_counter_ns()
        if self._begun_ns is None:
            return None
        duration_ms = (now_ns - self._begun_ns) / _NS_PER_MS
        self._begun_ns = None
        nesting.leave(self)
        # A child that was forked inside the run leaves it too; the run is its parent's, and ends there. And a generator
        # that is thrown away while the interpreter goes down must not wait for a lock that a dead thread holds.
        return None if self._recorder.pid != self._pid or sys.is_finalizing() else duration_ms

    def _ended(self, event: str, data: dict[str, Any] | None, duration_ms: float) -> None:
        if self._pace is not None and self._pace.waiting is not None:
            data = (data or {}) | {"progress": self._pace.waiting}
        self._record(event, data, duration_ms)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _as_parent(self, child: "Run") -> dict[str, str]:
        """Name this run in the data of one inside it; the service too where it is another one."""
        service = self._recorder.service
        other = {} if service == child._recorder.service else {"service": service}  # noqa: SLF001 - one of its kind
        return {"task": self.task_id, "run": self.id} | other

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


def current() -> Run | None:
    """Give the innermost run that is under way here, so that code deep inside a task can report; None outside of one.

    "Here" is the context of Python (`contextvars`): an asyncio task sees the run that it was made in, a new thread
    sees none.
    """
    found = nesting.innermost()
    return found if isinstance(found, Run) else None


def started_data(timeout_s: float | None, args: object, redactor: Redactor) -> dict[str, Any] | None:
    """Give the data of a `task.started` fact, None where there is nothing to say."""
    data: dict[str, Any] = {}
    timeout_ms = milliseconds(timeout_s)
    if timeout_ms is not None:
        data["timeout_ms"] = timeout_ms
    if args is not None:
        data |= redactor.arguments(args)
    return data or None
