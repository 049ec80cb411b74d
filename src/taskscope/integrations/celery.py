"""Celery: `install(app)` records what an application's tasks, workers and schedules do.

1. Whoever sends a task records its submission, with the time before it was sent: the broker may hand it to a worker
   before the sender is told that it arrived. A message that could not be sent is no submission.
2. A worker's main process names the run of each message that it receives. The name travels with the message to the
   process that runs the task, which records start and end from Celery's signals.
3. What that process can't tell, because it was killed, the main process does: a lost child, a hard time limit, a
   termination, an exit. `Hands` keeps it from contradicting a child that finished first.
4. The main process is the worker: one boot, with heartbeats; its children are its hands.
5. Beat is a worker of the role `scheduler`; after each of its ticks, jobs whose next run has moved are registered.
"""

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from celery import Celery, current_app, signals
from celery.app.task import Task
from celery.exceptions import Reject, Retry, SoftTimeLimitExceeded, Terminated, TimeLimitExceeded, WorkerLostError
from kombu.utils.imports import symbol_by_name

from taskscope.integrations.guarding import guarded
from taskscope.integrations.hands import Hands
from taskscope.integrations.patching import Patches
from taskscope.integrations.reporting import SCHEDULER, Arguments, Data, Execution, Jobs, Reporter, new_run
from taskscope.sdk.fact import milliseconds
from taskscope.sdk.recorder import Sender
from taskscope.sdk.run import current

_RUN = "taskscope_run"
"""Under this name a request carries the id of its run from the main process to its child."""
_EXECUTION = "_taskscope"
_PARENT = "_TASKSCOPE_CELERY_WORKER"
"""Where a child that is spawned, and not forked, finds whose child it is."""
_WAITING_LIMIT = 10_000

_installed: "WeakKeyDictionary[Celery, _Integration]" = WeakKeyDictionary()


def install(
    app: Celery,
    *,
    service: str = "default",
    home: str | os.PathLike[str] | None = None,
    worker: str | None = None,
    redact: Iterable[str] | None = None,
    args: bool | Iterable[str] = False,
    jobs: Jobs | None = None,
) -> None:
    """Record what a Celery application does, in the processes that send tasks, in workers and in beat.

    To be called where the application is made. A second call for the same application does nothing.

    Parameters
    ----------
    app
        The application.
    service
        Which application, in Taskscope; task ids are unique within it.
    home
        The home folder; TASKSCOPE_HOME, else ~/.taskscope, when absent.
    worker
        What workers are called; TASKSCOPE_WORKER, else their node name (`celery@host`), when absent.
    redact
        Names whose values are secrets, besides the usual ones.
    args
        Whether the arguments of tasks are recorded: all of them, or those of some names. None unless asked for.
    jobs
        What is known of tasks, by their names: owner, category, description.
    """
    app = app._get_current_object() if hasattr(app, "_get_current_object") else app  # noqa: SLF001 - Celery's proxy
    if app not in _installed:
        _installed[app] = _Integration(app, service, home, worker, redact, args, jobs)
        _installed[app].connect()


def uninstall(app: Celery) -> None:
    """Record no more of an application; its worker, if this process is one, says that it goes."""
    found = _installed.pop(app, None)
    if found is not None:
        found.disconnect()


class _Integration:
    """What is connected to one application, in one process."""

    def __init__(
        self,
        app: Celery,
        service: str,
        home: str | os.PathLike[str] | None,
        worker: str | None,
        redact: Iterable[str] | None,
        args: bool | Iterable[str],  # noqa: FBT001 - a setting, handed on as it was given
        jobs: Jobs | None,
    ) -> None:
        self._app = app
        self._worker = worker or os.environ.get("TASKSCOPE_WORKER")
        self._about: dict[str, Any] = {"service": service, "home": home, "redact": redact}
        self._jobs = jobs or {}
        self._arguments = Arguments(args)
        self._patches = Patches()
        self._reporter = Reporter(**self._about)
        self._beat: Reporter | None = None
        self._hands: Hands | None = None
        self._main_pid = 0
        self._controller: Any = None
        self._waiting: dict[str, tuple[datetime, str | None]] = {}
        self._queues: dict[tuple[str, str], str] = {}
        self._seen: dict[str, object] = {}
        self._handlers = (
            (signals.before_task_publish, self._before_publish),
            (signals.after_task_publish, self._after_publish),
            (signals.worker_init, self._worker_comes),
            (signals.worker_process_init, self._child_comes),
            (signals.worker_ready, self._worker_ready),
            (signals.worker_shutdown, self._worker_goes),
            (signals.task_received, self._received),
            (signals.task_prerun, self._starts),
            (signals.task_postrun, self._ends),
            (signals.task_internal_error, self._broken),
            (signals.task_unknown, self._unknown),
            (signals.task_revoked, self._revoked),
            (signals.beat_init, self._beat_comes),
        )

    def connect(self) -> None:
        for signal, handler in self._handlers:
            signal.connect(guarded(handler), weak=False, dispatch_uid=(id(self), handler.__name__))
        self._patches.put(Task, "update_state", self._with_progress)

    def disconnect(self) -> None:
        for signal, handler in self._handlers:
            signal.disconnect(dispatch_uid=(id(self), handler.__name__))
        self._patches.undo()
        self._reporter.close()
        if self._beat is not None:
            self._beat.close()

    # --- sending ------------------------------------------------------------------------------------------------------

    def _before_publish(
        self, sender: str, headers: Data, body: Any, routing_key: str, exchange: str, declare: Any, **_: Any
    ) -> None:
        if not self._sends(sender):
            return
        message = headers if "task" in headers else body  # version 1 of the protocol has it all in the body
        queue = declare[0].name if declare else routing_key if not exchange else None
        if len(self._waiting) >= _WAITING_LIMIT:  # of messages that could not be sent
            self._waiting.clear()
        self._waiting[message["id"]] = datetime.now(UTC), queue

    def _after_publish(self, sender: str, headers: Data, body: Any, **_: Any) -> None:
        message = headers if "task" in headers else body
        waiting = self._waiting.pop(message["id"], None)
        if waiting is None:
            return
        hard_s, soft_s = message.get("timelimit") or (None, None)
        data: Data = {}
        limit_ms = milliseconds(hard_s or soft_s)
        if limit_ms is not None:
            data["timeout_ms"] = limit_ms
        eta = message.get("eta")
        self._reporter.submitted(
            sender,
            message["id"],
            attempt=_attempt(message.get("retries")),
            queue=waiting[1],
            eta=None if not eta else self._aware(eta),
            data=data,
            time=waiting[0],
        )

    def _sends(self, task: str) -> bool:
        """Tell whether it is this application that sends; the signal does not name it."""
        if len(_installed) == 1:
            return True
        owners = [one for one in _installed.values() if task in one._app.tasks]  # noqa: SLF001 - one of its kind
        return next(iter(owners or _installed.values())) is self

    def _aware(self, eta: Any) -> datetime:
        given = eta if isinstance(eta, datetime) else datetime.fromisoformat(eta)
        return given if given.tzinfo else given.replace(tzinfo=self._app.timezone)

    # --- the worker's main process ------------------------------------------------------------------------------------

    def _worker_comes(self, sender: Any, **_: Any) -> None:
        if sender.app is not self._app:
            return
        self._controller = sender
        self._hands, self._main_pid = Hands(), os.getpid()
        self._reporter = Reporter(**self._about, worker=self._worker or sender.hostname, look=self._look)
        for task in self._app.tasks.values():
            self._patches.put(task, "Request", self._watched)
        self._reporter.present()
        os.environ[_PARENT] = "\n".join((str(self._main_pid), *self._reporter.sender))
        for job, known in self._jobs.items():
            self._reporter.registered(job, dict(known))

    def _child_comes(self, **_: Any) -> None:
        """Become a hand of the main process, in a child that was spawned: a forked one is one already."""
        pid, *sender = os.environ.get(_PARENT, "0").split("\n")
        if self._hands is None and int(pid) == os.getppid() and current_app.main == self._app.main:
            self._app = current_app._get_current_object()  # noqa: SLF001 - Celery's proxy; a copy that came by pickle
            self._main_pid = os.getppid()
            self._reporter = Reporter(**self._about, sender=Sender(*sender))

    def _worker_ready(self, sender: Any, **_: Any) -> None:
        if sender.app is not self._app:
            return
        # Autoscaling and remote commands change the pool by these two.
        self._patches.put(sender.pool, "grow", self._telling)
        self._patches.put(sender.pool, "shrink", self._telling)
        self._reporter.tell()

    def _worker_goes(self, sender: Any, **_: Any) -> None:
        if sender.app is self._app:
            self._reporter.close()

    def _look(self) -> Data:
        found: Data = {"queues": sorted(self._app.amqp.queues.consume_from)}
        pool = self._controller.pool
        if pool is not None:
            found["pool"] = type(pool).__module__.rpartition(".")[2]
            with suppress(AttributeError):  # it has not forked yet
                found["concurrency"] = pool.num_processes
        return found

    def _telling(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*args: Any, **kwargs: Any) -> Any:
            try:
                return change(*args, **kwargs)
            finally:
                self._reporter.tell()

        return changed

    def _received(self, sender: Any, request: Any, **_: Any) -> None:
        if sender.app is self._app:
            request.request_dict[_RUN] = new_run()

    def _watched(self, standing: Any) -> type:
        """Give a class of requests that tells what becomes of a child. Celery has tasks name their class for that."""
        lost, timed_out, dropped = guarded(self._child_failed), guarded(self._hard_limit), guarded(self._dropped)
        base: Any = symbol_by_name(standing)

        class Request(base):  # type: ignore[misc]  # whatever class the task names
            def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> Any:
                if not (kwargs.get("return_ok") or any(args[1:2])):  # else the child has told it
                    lost(self, exc_info.exception)
                return super().on_failure(exc_info, *args, **kwargs)

            def on_timeout(self, soft: Any, timeout: Any) -> Any:
                if not soft:
                    timed_out(self, timeout)
                return super().on_timeout(soft, timeout)

            def _announce_cancelled(self, *args: Any, **kwargs: Any) -> Any:
                dropped(self)
                return super()._announce_cancelled(*args, **kwargs)

        return Request

    def _child_failed(self, request: Any, found: Any) -> None:
        error = getattr(found, "exc", found)
        if isinstance(error, WorkerLostError):
            self._end_of_child(request, "task.lost", self._reporter.error(error))
        elif isinstance(error, TimeLimitExceeded):
            self._end_of_child(request, "task.timed_out", self._reporter.error(error))
        elif not (isinstance(error, Terminated) or request._already_revoked or request._already_cancelled):  # noqa: SLF001 - Celery keeps it there alone
            self._end_of_child(request, *self._reporter.ending(error))

    def _hard_limit(self, request: Any, timeout: float) -> None:
        self._end_of_child(request, "task.timed_out", self._reporter.error(TimeLimitExceeded(timeout)))

    def _dropped(self, request: Any) -> None:
        self._end_of_child(request, "task.cancelled", {"reason": "the connection to the broker was lost"})

    def _end_of_child(self, request: Any, event: str, data: Data | None) -> None:
        carried = request.request_dict
        run = carried.pop(_RUN, None)  # once: Celery may tell of one end by two ways
        if run is not None and not self._has_finished(run):
            self._reporter.ended(
                event,
                request.id,
                attempt=_attempt(carried.get("retries")),
                run=run,
                job=request.task.name,
                queue=self._queue(carried.get("delivery_info")),
                data=data,
            )

    def _has_finished(self, run: str) -> bool:
        return self._hands is not None and self._hands.has_finished(run)

    def _revoked(self, sender: Any, request: Any, *, terminated: bool, expired: bool, **_: Any) -> None:
        if sender.app is not self._app:
            return
        # Only what was ended in the middle of its run had one.
        run = getattr(request, _RUN, None) if terminated else None
        if run is None or not self._has_finished(run):
            reason = "expired" if expired else "terminated" if terminated else "revoked"
            self._reporter.ended(
                "task.cancelled",
                request.id,
                attempt=_attempt(request.retries),
                run=run,
                job=sender.name,
                queue=self._queue(request.delivery_info),
                data={"reason": reason},
            )

    def _unknown(self, sender: Any, message: Any, exc: BaseException, name: str, id: str, **_: Any) -> None:  # noqa: A002
        if sender.app is self._app:
            attempt = _attempt((message.headers or {}).get("retries"))
            error = self._reporter.error(exc)
            self._reporter.ended("task.failed", id, attempt=attempt, run=new_run(), job=name, data=error)

    # --- where tasks run ----------------------------------------------------------------------------------------------

    def _starts(self, task: Any, task_id: str, args: Any, kwargs: Any, **_: Any) -> None:
        if task.app is not self._app:
            return
        request = task.request
        data: Data = self._reporter.arguments(self._arguments.of(task.run, args, kwargs))
        limit_ms = milliseconds(self._limit_s(task, request))
        if limit_ms is not None:
            data["timeout_ms"] = limit_ms
        if request.parent_id:
            data["parent"] = {"task": request.parent_id}
        run = self._reporter.run(
            task.name,
            task_id,
            attempt=_attempt(request.retries),
            queue=self._queue(request.delivery_info),
            run=getattr(request, _RUN, None),
            data=data,
        )
        setattr(request, _EXECUTION, run)
        run.begin()

    def _ends(self, task: Any, retval: Any, state: str | None, **_: Any) -> None:
        if task.app is not self._app:
            return
        run: Execution | None = vars(task.request).pop(_EXECUTION, None)
        if run is None:
            return
        if state == "SUCCESS":
            run.finish("task.succeeded")
        elif state == "FAILURE":
            event = "task.timed_out" if isinstance(retval, SoftTimeLimitExceeded) else "task.failed"
            run.finish(event, self._reporter.error(retval))
        elif isinstance(retval, Retry):
            run.finish("task.retrying", self._retrying(retval))
        elif isinstance(retval, Reject) and not retval.requeue:
            run.finish("task.failed", self._reporter.error(retval))
        elif state is not None:  # ignored, replaced by another task, or rejected to be delivered again
            run.finish("task.cancelled", {"reason": type(retval).__name__})
        elif self._is_child():
            run.drop()  # SystemExit, mostly because the main process ends this one: it knows why
            return
        else:
            run.leave(sys.exc_info()[1])
        if self._hands is not None:
            self._hands.finished(run.id)

    def _is_child(self) -> bool:
        return self._main_pid not in {0, os.getpid()}

    def _broken(self, sender: Any, task_id: str, request: Any, exception: BaseException, **_: Any) -> None:
        """Record what failed before the task could begin, such as a message that can't be read."""
        if sender.app is self._app and isinstance(request, dict) and _RUN in request:
            run, attempt = request[_RUN], _attempt(request.get("retries"))
            error = self._reporter.error(exception)
            self._reporter.ended("task.failed", task_id, attempt=attempt, run=run, job=sender.name, data=error)
            if self._hands is not None:
                self._hands.finished(run)

    def _retrying(self, retry: Any) -> Data:
        data = self._reporter.error(retry.exc if isinstance(retry.exc, BaseException) else retry)
        when = retry.when
        if isinstance(when, int | float):
            when = datetime.now(UTC) + timedelta(seconds=when)
        if isinstance(when, datetime):
            data["eta"] = self._aware(when).isoformat()
        return data

    def _limit_s(self, task: Any, request: Any) -> object:
        hard_s, soft_s = request.timelimit or (None, None)
        worker = self._controller
        return (
            hard_s
            or task.time_limit
            or getattr(worker, "time_limit", None)
            or soft_s
            or task.soft_time_limit
            or getattr(worker, "soft_time_limit", None)
        )

    def _queue(self, delivery: Any) -> str | None:
        """Name the queue that a message came from; the broker tells by what way it went there."""
        way = (delivery or {}).get("exchange") or "", (delivery or {}).get("routing_key") or ""
        if not way[0]:
            return way[1] or None
        if way not in self._queues:
            self._queues.update(
                ((queue.exchange.name, queue.routing_key), queue.name) for queue in self._app.amqp.queues.values()
            )
        return self._queues.get(way)

    def _with_progress(self, update_state: Callable[..., Any]) -> Callable[..., Any]:
        report = guarded(self._progress)

        def updated(task: Any, task_id: Any = None, state: Any = None, meta: Any = None, **kwargs: Any) -> Any:
            report(task, task_id, meta)
            return update_state(task, task_id, state, meta, **kwargs)

        return updated

    def _progress(self, task: Any, task_id: Any, meta: Any) -> None:
        """Take the usual way of reporting: `update_state(meta={"current": 3, "total": 10})`."""
        run = current()
        if task.app is self._app and isinstance(meta, dict) and run is not None and task_id in {None, run.task_id}:
            done, total = meta.get("current"), meta.get("total")
            if isinstance(done, int | float) and isinstance(total, int | float) and total > 0:
                run.progress(done / total)

    # --- beat ---------------------------------------------------------------------------------------------------------

    def _beat_comes(self, sender: Any, **_: Any) -> None:
        if sender.app is not self._app:
            return
        name = f"beat@{os.uname().nodename}"
        # A reporter of its own: beat may be a thread of a worker.
        self._beat = Reporter(**self._about, worker=self._worker or name, about={"role": SCHEDULER})
        self._beat.present()
        scheduler = sender.scheduler
        look = guarded(self._look_at_schedule)
        look(scheduler)

        def looking(tick: Callable[..., Any]) -> Callable[..., Any]:
            def ticked(*args: Any, **kwargs: Any) -> Any:
                pause_s = tick(*args, **kwargs)
                look(scheduler)
                return pause_s

            return ticked

        self._patches.put(scheduler, "tick", looking)

    def _look_at_schedule(self, scheduler: Any) -> None:
        """Register the jobs whose entries have changed or were sent since the last look."""
        jobs: dict[str, list[Any]] = {}
        for entry in scheduler.schedule.values():
            jobs.setdefault(entry.task, []).append(entry)
        for job, entries in jobs.items():
            state = tuple((entry.name, entry.last_run_at, str(entry.schedule)) for entry in entries)
            if self._seen.get(job) != state:
                self._seen[job] = state
                self._tell(job, dict(self._jobs.get(job, {})) | _schedule(entries))
        for job in self._seen.keys() - jobs.keys():
            del self._seen[job]
            self._tell(job, {"enabled": False, "next_run": None})

    def _tell(self, job: str, data: Data) -> None:
        if self._beat is not None:
            self._beat.registered(job, data)


def _schedule(entries: list[Any]) -> Data:
    """Give what `job.registered` says of a task, of which beat may have several entries."""
    now = datetime.now(UTC)
    waits = [entry.schedule.remaining_estimate(entry.last_run_at) for entry in entries]
    wait = max(timedelta(0), min(waits))
    return {
        "schedule": "; ".join(str(entry.schedule).strip("<>") for entry in entries),
        "enabled": True,
        "next_run": now + wait,
    }


def _attempt(retries: object) -> int:
    return retries + 1 if isinstance(retries, int) else 1
