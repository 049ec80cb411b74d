"""What every integration says, in its own words: a task was submitted, runs, has ended; a job, a worker is there."""

import atexit
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from taskscope.sdk.arguments import Capture, Wanted, capture
from taskscope.sdk.fact import Fact, instant, name, optional_name, ordinal, text
from taskscope.sdk.failure import describe, start_of
from taskscope.sdk.heartbeat import Presence
from taskscope.sdk.ids import uuid7
from taskscope.sdk.nesting import innermost
from taskscope.sdk.outcome import ending
from taskscope.sdk.recorder import Recorder, Sender
from taskscope.sdk.redaction import Redactor
from taskscope.sdk.run import Run
from taskscope.sdk.scope import HEARTBEAT_S, TTL_S, home_of

Data = dict[str, Any]
Jobs = Mapping[str, Mapping[str, Any]]
"""What is known about jobs, by their names: owner, category, description and the other keys of `job.registered`."""

SCHEDULER = "scheduler"
"""The role of a boot that starts jobs by their schedules."""

_log = logging.getLogger("taskscope")


class Execution(Run):
    """A run that a library carries out: it may bring its own id, and is told how it ended."""

    __slots__ = ()

    def begin(self) -> None:
        """Record the start."""
        self.__enter__()

    def leave(self, error: BaseException | None) -> None:
        """Record the end that an exception makes, None for success."""
        self.__exit__(None if error is None else type(error), error, None)

    def finish(self, event: str, data: Data | None = None) -> None:
        """Record another end."""
        duration_ms = self._leave()
        if duration_ms is not None:
            self._ended(event, data, duration_ms)

    def drop(self) -> None:
        """Stop being under way; another process records the end."""
        self._leave()


class Reporter:
    """Records the facts of one library in one process. None of its methods raises over what it is given.

    Parameters
    ----------
    service
        Which application.
    home
        The home folder; TASKSCOPE_HOME, else ~/.taskscope, when absent.
    worker
        The worker's name; TASKSCOPE_WORKER, else host name and process id, when absent.
    redact
        More names whose values are secrets.
    about
        What else is told of the worker when it comes: its role, its pool.
    look
        Gives what may change while it is there: its queues and its concurrency.
    sender
        Whose facts these are, in a child that its parent told so.
    """

    def __init__(
        self,
        service: str,
        *,
        home: str | os.PathLike[str] | None = None,
        worker: str | None = None,
        redact: Iterable[str] | None = None,
        about: Data | None = None,
        look: Callable[[], Data] = dict,
        sender: Sender | None = None,
    ) -> None:
        self._redactor = Redactor((redact,) if isinstance(redact, str) else tuple(redact or ()))
        crew = worker is not None or sender is not None
        self._recorder = Recorder(name(service), optional_name(worker), home_of(home), crew=crew)
        if sender is not None:
            self._recorder.sender = sender
        self._presence = Presence(
            self._recorder,
            heartbeat_s=HEARTBEAT_S,
            ttl_s=TTL_S,
            about={"host": os.uname().nodename} | (about or {}),
            look=look,
        )
        if sender is not None:
            self._presence.begun = True  # it is the parent that tells of the worker
        else:
            atexit.register(self.close)

    @property
    def sender(self) -> Sender:
        """Who records, as the worker that runs tasks."""
        return self._recorder.sender

    def present(self) -> None:
        """Say that the worker is there, and keep saying so."""
        self._presence.begin()

    def tell(self) -> None:
        """Say what has changed about the worker."""
        self._presence.tell()

    def close(self) -> None:
        """Say that the worker goes."""
        self._presence.end()
        self._recorder.close()
        atexit.unregister(self.close)

    def submitted(
        self,
        job: object,
        task: object,
        *,
        attempt: object = 1,
        queue: object = None,
        eta: object = None,
        data: Data | None = None,
        time: datetime | None = None,
    ) -> None:
        """Record that a task was put into a queue; the run that does so is its parent."""
        data = dict(data or {})
        due = instant(eta)
        if due is not None:
            data["eta"] = due
        parent = innermost()
        if isinstance(parent, Run):
            data["parent"] = {"task": parent.task_id, "run": parent.id}
        self._recorder.record(
            "task.submitted",
            data or None,
            task=text(task),
            attempt=ordinal(attempt),
            job=optional_name(job),
            queue=optional_name(queue),
            when=time,
        )

    def run(
        self,
        job: object,
        task: object,
        *,
        attempt: object = 1,
        queue: object = None,
        run: object = None,
        data: Data | None = None,
    ) -> Execution:
        """Give the run that begins here."""
        made = Execution(
            self._recorder,
            self._presence,
            self._redactor,
            text(job),
            task_id=text(task),
            queue=optional_name(queue),
            attempt=ordinal(attempt),
            data=data or None,
        )
        if run is not None:
            made.id = name(run)
        return made

    def ended(
        self,
        event: str,
        task: object,
        *,
        attempt: object = 1,
        run: object = None,
        job: object = None,
        queue: object = None,
        data: Data | None = None,
    ) -> None:
        """Record the end of a run of another process; without a run, that of a task that none runs."""
        self._recorder.record(
            event,
            data,
            sender=None if run is None else self._recorder.sender,
            task=text(task),
            attempt=ordinal(attempt),
            run=optional_name(run),
            job=optional_name(job),
            queue=optional_name(queue),
        )

    def registered(self, job: object, data: Data) -> None:
        """Record what is known about a job."""
        for key in data.keys() & {"next_run"}:
            data = data | {key: instant(data[key])}
        self._recorder.record("job.registered", data, job=name(job))

    def put(self, fact: Fact) -> None:
        """Record a fact that is complete."""
        self._recorder.put(fact)

    def error(self, error: BaseException) -> Data:
        """Give the data of an end that an exception explains."""
        return {"error": describe(error, self._redactor)}

    def said(self, reason: object) -> str:
        """Give the start of a text for people, without the secrets in it."""
        return start_of(text(reason), self._redactor)

    def ending(self, error: BaseException | None) -> tuple[str, Data | None]:
        """Give the end that an exception makes, as a run of the SDK would have it."""
        return ending(error, self._redactor)

    def arguments(self, found: Data | None) -> Data:
        """Give the data that shows arguments, without the secrets in them."""
        return {} if found is None else self._redactor.arguments(found)


class Arguments:
    """Which arguments are shown, of functions that are looked at once.

    Parameters
    ----------
    wanted
        True for all of them, names for some, False for none.
    """

    def __init__(self, wanted: Iterable[str] | Wanted) -> None:
        self.wanted: bool | tuple[str, ...] = wanted if isinstance(wanted, bool) else tuple(wanted or ())
        # With the function itself, so that no other one gets its identity.
        self._known: dict[int, tuple[object, Capture | None]] = {}

    def of(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Data | None:
        """Find those of a call; None where there are none to show."""
        if not self.wanted:
            return None
        if id(function) not in self._known:
            self._known[id(function)] = function, capture(function, self.wanted)
        find = self._known[id(function)][1]
        return None if find is None else find(args, kwargs)


def new_run() -> str:
    """Give the id of a run that another process will begin."""
    return uuid7()
