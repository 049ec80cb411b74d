"""The entrance of the SDK: `connect` gives a `Scope`, and a scope records what an application does."""

import atexit
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, overload

from taskscope.errors import HomeError
from taskscope.sdk.arguments import Wanted, capture
from taskscope.sdk.fact import instant, milliseconds, name, optional_name, ordinal, text
from taskscope.sdk.heartbeat import Presence
from taskscope.sdk.home import resolve_home
from taskscope.sdk.idempotency import KeyMemory
from taskscope.sdk.ids import uuid7
from taskscope.sdk.interpreter import refusal
from taskscope.sdk.recorder import Recorder
from taskscope.sdk.redaction import Redactor
from taskscope.sdk.run import Run, started_data
from taskscope.sdk.wrap import Function, job_name, wrap

HEARTBEAT_S = 10.0
TTL_S = 30.0
_log = logging.getLogger("taskscope")


class Scope:
    """What one application records. Made by `connect`; safe between threads and after a fork.

    None of its methods raises, and none waits for anybody.
    """

    def __init__(self, recorder: Recorder, presence: Presence, redactor: Redactor, keys: KeyMemory) -> None:
        self._recorder = recorder
        self._presence = presence
        self._redactor = redactor
        self._keys = keys

    @property
    def service(self) -> str:
        """Which application this is."""
        return self._recorder.service

    @property
    def worker(self) -> str:
        """The worker's name, as the statistics show it."""
        return self._recorder.sender.worker

    @property
    def boot(self) -> str:
        """The identity of this start of the worker, another one in a forked child."""
        return self._recorder.sender.boot

    @property
    def dropped(self) -> int:
        """Facts that this process could not keep in this home, of all its scopes together."""
        return self._recorder.dropped

    def run(
        self,
        job: str,
        *,
        task_id: str | None = None,
        queue: str | None = None,
        attempt: int = 1,
        timeout: float | None = None,
        args: object = None,
    ) -> Run:
        """Give a context manager, for `with` or `async with`, that records one execution of a task.

        Parameters
        ----------
        job
            What is run.
        task_id
            The task; a new one when absent.
        queue
            Where it waited.
        attempt
            Which try at it, from 1.
        timeout
            Its limit in seconds. It is recorded and not enforced here; a run that passes it is shown as timed out.
        args
            What it was called with, to be shown with the run, without the secrets in it.
        """
        return Run(
            self._recorder,
            self._presence,
            self._redactor,
            job,
            task_id=task_id,
            queue=queue,
            attempt=attempt,
            data=started_data(timeout, args, self._redactor),
        )

    @overload
    def task(self, function: Function, /) -> Function: ...

    @overload
    def task(
        self,
        /,
        *,
        job: str | None = None,
        queue: str | None = None,
        timeout: float | None = None,
        args: Wanted = None,
    ) -> Callable[[Function], Function]: ...

    def task(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        job: str | None = None,
        queue: str | None = None,
        timeout: float | None = None,
        args: Wanted = None,
    ) -> Callable[..., Any]:
        """Decorate a function so that each call is recorded as a run of a new task.

        Plain and async functions, generators of both kinds, and methods. The run of a generator spans from its first
        step to its end.

        Parameters
        ----------
        function
            What to decorate, when used bare.
        job
            What to call it; its module and qualified name when absent.
        queue
            Where it waits.
        timeout
            Its limit in seconds, recorded and not enforced.
        args
            Which arguments to record, without the secrets in them: True for all, names for some, False for none. When
            absent, numbers, texts and UUIDs of parameters named `id` or `*_id`.
        """

        def decorate(function: Function) -> Function:
            title = job or job_name(function)
            found = capture(getattr(function, "__func__", function), args)

            def begin(given: Sequence[Any], named: Mapping[str, Any]) -> Run:
                recorded = found(given, named) if found is not None else None
                return self.run(title, queue=queue, timeout=timeout, args=recorded)

            return wrap(function, begin)

        return decorate if function is None else decorate(function)

    def submitted(
        self,
        job: str,
        *,
        task_id: str | None = None,
        queue: str | None = None,
        attempt: int = 1,
        eta: datetime | float | None = None,
        idempotency_key: str | None = None,
        args: object = None,
    ) -> str:
        """Record that a task was put into a queue, and give its id.

        A process that only submits is no worker: this starts no heartbeats, and the fact names no worker.

        Parameters
        ----------
        job
            What is to be run.
        task_id
            The task; a new one when absent.
        queue
            Where it waits.
        attempt
            Which try at it, from 1.
        eta
            Not before when: a datetime (local time if it has no zone) or epoch seconds.
        idempotency_key
            What makes this submission the same as an earlier one of this service and home, of the last 24 hours: that
            one's task is given back, and its fact is recorded again, which counts once.
        args
            What it is called with, to be shown with the task, without the secrets in it.
        """
        task = (None if task_id is None else text(task_id)) or uuid7()
        data: dict[str, Any] = {} if args is None else self._redactor.arguments(args)
        due = instant(eta)
        if due is not None:
            data["eta"] = due
        names: dict[str, Any] = {
            "task": task,
            "attempt": ordinal(attempt),
            "job": name(job),
            "queue": optional_name(queue),
        }
        if idempotency_key is None:
            self._recorder.record("task.submitted", data or None, **names)
            return task
        key = text(idempotency_key)
        data["idempotency_key"] = self._redactor.text(key)
        return self._keys.submit(self._recorder, key, data, names)

    def present(self, *, concurrency: int | None = None) -> None:
        """Say that this process is a worker, before its first task, so that it is seen while idle.

        The first run of a process does the same by itself.

        Parameters
        ----------
        concurrency
            How many tasks it can run side by side; a later call with another number tells the change.
        """
        self._presence.begin(concurrency=concurrency)

    def close(self) -> None:
        """Say that the worker goes, and give up its segment; done at exit too. What comes later is another boot."""
        self._presence.end()
        self._recorder.close()
        self._recorder.renew()


_scopes: dict[tuple[object, ...], Scope] = {}
_told: set[str] = set()


def connect(
    service: str = "default",
    *,
    home: str | os.PathLike[str] | None = None,
    worker: str | None = None,
    heartbeat_s: float = HEARTBEAT_S,
    ttl_s: float = TTL_S,
    queues: Sequence[str] | None = None,
    role: str | None = None,
    redact: Iterable[str] | None = None,
) -> Scope:
    """Give the scope of an application; the same one for the same arguments. Nothing is opened before the first fact.

    Never raises: where there is no usable home, facts are dropped and counted, and the log says so.

    Parameters
    ----------
    service
        Which application; task ids are unique within it.
    home
        The home folder; TASKSCOPE_HOME, else ~/.taskscope, when absent.
    worker
        The worker's name; TASKSCOPE_WORKER, else host name and process id, when absent.
    heartbeat_s
        Seconds between two heartbeats.
    ttl_s
        How long one heartbeat counts, in seconds.
    queues
        The queues that this worker serves, so that it is seen there while idle.
    role
        What kind of worker it is, for example `scheduler`.
    redact
        Names whose values are secrets in arguments and texts, besides the usual ones (password, token, ...).
    """
    worker = worker or os.environ.get("TASKSCOPE_WORKER") or None
    served = (queues,) if isinstance(queues, str) else tuple(queues or ())
    hidden = (redact,) if isinstance(redact, str) else tuple(redact or ())
    folder = home_of(home)
    key = (service, folder, worker, heartbeat_s, ttl_s, served, role, hidden)
    if key not in _scopes:
        recorder = Recorder(name(service), optional_name(worker), folder)
        about = {
            "queues": [name(queue) for queue in served] or None,
            "role": optional_name(role),
            "host": os.uname().nodename,
        }
        presence = Presence(
            recorder,
            heartbeat_s=_positive(heartbeat_s, HEARTBEAT_S),
            ttl_s=_positive(ttl_s, TTL_S),
            about={key: value for key, value in about.items() if value is not None},
        )
        _scopes[key] = Scope(recorder, presence, Redactor(hidden), KeyMemory(folder))
    return _scopes[key]


def home_of(home: str | os.PathLike[str] | None) -> Path | None:
    """Find the home folder; None where nothing can be recorded, and the log says why."""
    try:
        reason = refusal()
        if reason is None:
            return resolve_home(home)
    except (HomeError, TypeError) as error:
        reason = str(error)
    if reason not in _told:
        _told.add(reason)
        _log.warning("taskscope records nothing: %s", reason)
    return None


def _positive(seconds: float, default_s: float) -> float:
    return default_s if milliseconds(seconds) is None else seconds


def _close_all() -> None:
    for scope in list(_scopes.values()):
        scope.close()


atexit.register(_close_all)
