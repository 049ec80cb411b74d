"""RQ: `install()` records what its queues, workers and cron do.

RQ has no signals, so this stands in front of the few methods that every job passes:

1. `Queue._enqueue_job` and `Queue.schedule_job` put an attempt into a queue; a job that was scheduled and comes due is
   no second submission. `Job.cancel` takes it out. `Job.retry` begins the next attempt: RQ counts only those that are
   left, so its number is kept beside the job, in a field that RQ neither reads nor removes.
2. `Worker.perform_job` runs it, in the work horse. RQ's own execution is the run, so parent and horse agree on its id.
   How it ended is what RQ made of it, after it has decided about retries and callbacks.
3. `Worker.monitor_work_horse` is where the parent learns that a horse was killed. `Hands` keeps it from contradicting
   a horse that finished first.
4. `Worker.register_birth` and `register_death` are the worker's presence, `CronScheduler.enqueue_jobs` the schedule.
"""

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from rq.cron import CronScheduler
from rq.exceptions import DeserializationError
from rq.job import Job, JobStatus, Retry
from rq.queue import Queue
from rq.timeouts import BaseTimeoutException
from rq.worker import BaseWorker, Worker

from taskscope.integrations.guarding import guarded
from taskscope.integrations.hands import Hands
from taskscope.integrations.patching import Patches
from taskscope.integrations.reporting import SCHEDULER, Arguments, Data, Execution, Jobs, Reporter
from taskscope.sdk.fact import milliseconds

_RETRIES = "taskscope_retries"
"""The field that counts retries beside the job, and the attribute of one that was read."""
_WAITING = frozenset({JobStatus.QUEUED, JobStatus.SCHEDULED, JobStatus.DEFERRED})

_installed: "list[_Integration]" = []


def install(
    *,
    service: str = "default",
    home: str | os.PathLike[str] | None = None,
    worker: str | None = None,
    redact: Iterable[str] | None = None,
    args: bool | Iterable[str] = False,
    jobs: Jobs | None = None,
) -> None:
    """Record what RQ does in this process and its children: enqueueing, working, cron.

    To be called where jobs are enqueued, and in the settings module of workers (`rq worker -c settings`). A second call
    does nothing.

    Parameters
    ----------
    service
        Which application, in Taskscope; task ids are unique within it.
    home
        The home folder; TASKSCOPE_HOME, else ~/.taskscope, when absent.
    worker
        What workers are called; TASKSCOPE_WORKER, else the name that RQ has for each, when absent.
    redact
        Names whose values are secrets, besides the usual ones.
    args
        Whether the arguments of jobs are recorded: all of them, or those of some names. None unless asked for.
    jobs
        What is known of jobs, by the names of their functions: owner, category, description.
    """
    if not _installed:
        _installed.append(_Integration(service, home, worker, redact, args, jobs))
        _installed[0].connect()


def uninstall() -> None:
    """Record no more; the worker, if this process is one, says that it goes."""
    while _installed:
        _installed.pop().disconnect()


class _Integration:
    """What stands in front of RQ, in one process."""

    def __init__(
        self,
        service: str,
        home: str | os.PathLike[str] | None,
        worker: str | None,
        redact: Iterable[str] | None,
        args: bool | Iterable[str],  # noqa: FBT001 - a setting, handed on as it was given
        jobs: Jobs | None,
    ) -> None:
        self._worker = worker or os.environ.get("TASKSCOPE_WORKER")
        self._about: dict[str, Any] = {"service": service, "home": home, "redact": redact}
        self._jobs = jobs or {}
        self._arguments = Arguments(args)
        self._patches = Patches()
        self._reporter = Reporter(**self._about)
        self._hands = Hands()
        self._error: BaseException | None = None
        self._seen: dict[str, object] = {}
        self._killed: str | None = None

    def connect(self) -> None:
        put = self._patches.put
        put(Queue, "_enqueue_job", self._enqueueing)
        put(Queue, "_enqueue_rate_limited_job", self._enqueueing)
        put(Queue, "schedule_job", self._scheduling)
        put(Queue, "run_job", self._running_here)
        put(Job, "retry", self._retrying)
        put(Job, "restore", self._restoring)
        put(Job, "cancel", self._cancelling)
        put(BaseWorker, "register_birth", _after(self._worker_comes))
        put(BaseWorker, "register_death", _after(self._worker_goes))
        put(BaseWorker, "perform_job", self._performing)
        put(BaseWorker, "handle_exception", _before(self._failing))
        put(Worker, "monitor_work_horse", self._monitoring)
        put(Worker, "handle_work_horse_killed", _before(self._horse_killed))
        put(CronScheduler, "register_birth", _after(self._cron_comes))
        put(CronScheduler, "register_death", _after(self._cron_goes))
        put(CronScheduler, "enqueue_jobs", _after(self._look_at_schedule))

    def disconnect(self) -> None:
        self._patches.undo()
        self._reporter.close()

    # --- enqueueing ---------------------------------------------------------------------------------------------------

    def _enqueueing(self, enqueue: Callable[..., Any]) -> Callable[..., Any]:
        submit = guarded(self._submitted)

        def enqueued(queue: Queue, job: Job, *args: Any, **kwargs: Any) -> Any:
            now = _now()
            # What was scheduled was submitted then, with the time at which it is due.
            if job.get_status(refresh=False) == JobStatus.SCHEDULED:
                return enqueue(queue, job, *args, **kwargs)
            if not queue.is_async:  # it is run in there
                submit(queue, job, now)
                return enqueue(queue, job, *args, **kwargs)
            done = enqueue(queue, job, *args, **kwargs)
            submit(queue, job, now)
            return done

        return enqueued

    def _scheduling(self, schedule: Callable[..., Any]) -> Callable[..., Any]:
        submit = guarded(self._submitted)

        def scheduled(queue: Queue, job: Job, datetime: datetime, *args: Any, **kwargs: Any) -> Any:
            now = _now()
            done = schedule(queue, job, datetime, *args, **kwargs)
            # RQ keeps whole seconds, and so begins up to one before the time that it was given.
            submit(queue, job, now, datetime.replace(microsecond=0))
            return done

        return scheduled

    def _retrying(self, retry: Callable[..., Any]) -> Callable[..., Any]:
        count = guarded(_count_retry)

        def retried(job: Job, queue: Queue, pipeline: Any) -> Any:
            count(job, pipeline)
            return retry(job, queue, pipeline)

        return retried

    def _restoring(self, restore: Callable[..., Any]) -> Callable[..., Any]:
        recall = guarded(_recall_retries)

        def restored(job: Job, raw_data: Any) -> Any:
            recall(job, raw_data)
            return restore(job, raw_data)

        return restored

    def _submitted(self, queue: Queue, job: Job, time: datetime, eta: datetime | None = None) -> None:
        data: Data = {}
        limit_ms = milliseconds(job.timeout)
        if limit_ms is not None:
            data["timeout_ms"] = limit_ms
        self._reporter.submitted(
            _name(job), job.id, attempt=_attempt(job), queue=queue.name, eta=eta, data=data, time=time
        )

    def _cancelling(self, cancel: Callable[..., Any]) -> Callable[..., Any]:
        tell = guarded(self._cancelled)

        def cancelled(job: Job, *args: Any, **kwargs: Any) -> Any:
            status = job.get_status(refresh=False)
            done = cancel(job, *args, **kwargs)
            tell(job, status)
            return done

        return cancelled

    def _cancelled(self, job: Job, status: JobStatus) -> None:
        if status in _WAITING:
            self._reporter.ended(
                "task.cancelled", job.id, attempt=_attempt(job), job=_name(job), data={"reason": "cancelled"}
            )

    # --- where jobs run -----------------------------------------------------------------------------------------------

    def _performing(self, perform: Callable[..., Any]) -> Callable[..., Any]:
        begin, end = guarded(self._starts), guarded(self._ends)

        def performed(worker: BaseWorker, job: Job, queue: Queue, execution: Any) -> Any:
            self._error = None
            run = begin(job, queue.name, execution.id)
            if run is None:
                return perform(worker, job, queue, execution)
            run.begin()
            done = perform(worker, job, queue, execution)
            end(run, job, done=done)
            return done

        return performed

    def _failing(self, _worker: BaseWorker, _job: Job, *exc_info: Any) -> None:
        self._error = exc_info[1]

    def _running_here(self, run_job: Callable[..., Any]) -> Callable[..., Any]:
        """Record what a synchronous queue runs, in the very process that enqueues it."""
        begin = guarded(self._starts)

        def performed(queue: Queue, job: Job) -> Any:
            run = begin(job, queue.name, None)
            if run is None:
                return run_job(queue, job)
            with run:
                return run_job(queue, job)

        return performed

    def _starts(self, job: Job, queue: str, run: str | None) -> Execution:
        data = self._reporter.arguments(self._arguments_of(job))
        limit_ms = milliseconds(job.timeout)
        if limit_ms is not None:
            data["timeout_ms"] = limit_ms
        return self._reporter.run(_name(job), job.id, attempt=_attempt(job), queue=queue, run=run, data=data)

    def _arguments_of(self, job: Job) -> Data | None:
        return self._arguments.of(job.func, job.args, job.kwargs) if self._arguments.wanted and job.func else None

    def _ends(self, run: Execution, job: Job, *, done: bool) -> None:
        status = job.get_status(refresh=False)
        error, self._error = self._error, None
        retried = status in {JobStatus.QUEUED, JobStatus.SCHEDULED}
        if done and not isinstance(job._result, Retry):  # noqa: SLF001 - as it was before it is stored
            run.finish("task.succeeded")
        elif retried:
            run.finish("task.retrying", self._reporter.error(error) if error else {"reason": "the job asked for it"})
        elif error is None:
            run.finish("task.failed", {"error": {"type": "rq.Retry", "message": "no retries are left"}})
        elif isinstance(error, BaseTimeoutException):
            run.finish("task.timed_out", self._reporter.error(error))
        else:
            run.finish("task.failed", self._reporter.error(error))
        self._hands.finished(run.id)

    # --- the worker ---------------------------------------------------------------------------------------------------

    def _worker_comes(self, worker: BaseWorker) -> None:
        self._reporter = Reporter(
            **self._about,
            worker=self._worker or worker.name,
            about={"pool": type(worker).__name__, "concurrency": 1},
            look=lambda: {"queues": sorted(worker.queue_names())},
        )
        self._reporter.present()
        for job, known in self._jobs.items():
            self._reporter.registered(job, dict(known))

    def _worker_goes(self, _worker: BaseWorker) -> None:
        self._reporter.close()

    def _monitoring(self, monitor: Callable[..., Any]) -> Callable[..., Any]:
        tell = guarded(self._horse_ended)

        def monitored(worker: Worker, job: Job, queue: Queue, execution: Any) -> Any:
            attempt = _attempt(job)  # RQ may count a retry meanwhile
            self._killed = None
            done = monitor(worker, job, queue, execution)
            if not self._hands.has_finished(execution.id):
                tell(job, queue.name, execution.id, attempt)
            return done

        return monitored

    def _horse_killed(self, _worker: Worker, job: Job, *_: Any) -> None:
        self._killed = job.id

    def _horse_ended(self, job: Job, queue: str, run: str, attempt: int) -> None:
        """Tell of a run whose horse did not: it was killed, by the worker or by anybody else."""
        status = job.get_status()
        killed = self._killed == job.id
        data: Data | None = None
        if status == JobStatus.FINISHED:
            event = "task.succeeded"
        elif status == JobStatus.STOPPED:
            event, data = "task.cancelled", {"reason": "stopped"}
        elif killed and _overran(job):
            event, data = "task.timed_out", {"reason": "killed by the worker, some time after its limit"}
        elif killed:
            event, data = "task.lost", {"error": {"type": "rq.WorkHorseKilled", "message": "the work horse was killed"}}
        else:  # a horse that was spawned and not forked: it knows nothing of this
            event = "task.failed"
        names: dict[str, Any] = {"attempt": attempt, "run": run, "job": _name(job), "queue": queue}
        self._reporter.ended(event, job.id, data=data, **names)

    # --- cron ---------------------------------------------------------------------------------------------------------

    def _cron_comes(self, cron: CronScheduler) -> None:
        self._reporter = Reporter(**self._about, worker=self._worker or cron.name, about={"role": SCHEDULER})
        self._reporter.present()
        self._look_at_schedule(cron)

    def _cron_goes(self, _cron: CronScheduler) -> None:
        self._reporter.close()

    def _look_at_schedule(self, cron: CronScheduler) -> None:
        """Register the jobs whose next run has moved."""
        jobs: dict[str, list[Any]] = {}
        for entry in cron.get_jobs():
            jobs.setdefault(entry.func_name, []).append(entry)
        for job, entries in jobs.items():
            due = [entry.next_enqueue_time for entry in entries if entry.next_enqueue_time is not None]
            schedule = "; ".join(entry.cron or f"every {entry.interval} s" for entry in entries)
            state = schedule, min(due, default=None)
            if self._seen.get(job) != state:
                self._seen[job] = state
                known = dict(self._jobs.get(job, {}))
                self._reporter.registered(job, known | {"schedule": schedule, "enabled": True, "next_run": state[1]})


def _count_retry(job: Job, pipeline: Any) -> None:
    retries = getattr(job, _RETRIES, 0) + 1
    setattr(job, _RETRIES, retries)
    pipeline.hset(job.key, _RETRIES, retries)


def _recall_retries(job: Job, raw: Any) -> None:
    setattr(job, _RETRIES, int(raw.get(_RETRIES.encode()) or raw.get(_RETRIES) or 0))


def _attempt(job: Job) -> int:
    """Count the attempt: retries after a failure, and those that the job asked for by its result."""
    retries: int = getattr(job, _RETRIES, 0)
    return 1 + retries + (job.number_of_retries or 0)


def _name(job: Job) -> str:
    try:
        return job.func_name or "unnamed"
    except DeserializationError:
        return "unreadable"


def _overran(job: Job) -> bool:
    if not (job.started_at and job.ended_at and job.timeout) or job.timeout < 0:
        return False
    return (job.ended_at - job.started_at).total_seconds() > job.timeout


def _now() -> datetime:
    return datetime.now(UTC)


def _before(handler: Callable[..., None]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give what has a handler called before a method."""
    tell = guarded(handler)

    def make(method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            tell(*args, **kwargs)
            return method(*args, **kwargs)

        return called

    return make


def _after(handler: Callable[..., None]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give what has a handler called after a method."""
    tell = guarded(handler)

    def make(method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            done = method(*args, **kwargs)
            tell(*args, **kwargs)
            return done

        return called

    return make
