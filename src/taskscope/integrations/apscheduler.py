"""APScheduler 3: `install(scheduler)` records the jobs of a scheduler, what it starts, and what it skips.

1. A slot is one time at which a job is due, and it is a task: `<job id>@<time>`. Two schedulers that both run it are
   seen as two runs of one task.
2. What the scheduler hands to an executor is a submission that was due at its slot, so a wait is how late it began. The
   executor is the queue. It gets the job with another function, which records the run around the true one; in a pool of
   processes that function travels with what it has to know.
3. A slot that is skipped, because it was missed or because enough instances run, is cancelled, with the reason
   (decision 31).
4. The scheduler is a worker of the role `scheduler`. Its job stores tell of each change of a job, so each next run is
   known without a question to them.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

try:
    from apscheduler import events
    from apscheduler.executors.base import MaxInstancesReachedError
except ImportError as error:
    raise ImportError(
        f"taskscope.integrations.apscheduler needs APScheduler 3.10 or later, below 4: {error}"
    ) from error

from taskscope.integrations.guarding import guarded
from taskscope.integrations.patching import Patches
from taskscope.integrations.reporting import SCHEDULER, Arguments, Data, Execution, Jobs, Reporter, new_run
from taskscope.sdk.arguments import Wanted
from taskscope.sdk.recorder import Sender
from taskscope.sdk.wrap import wrap

_TASK_LIMIT = 450
_installed: "WeakKeyDictionary[Any, _Integration]" = WeakKeyDictionary()


def install(
    scheduler: Any,
    *,
    service: str = "default",
    home: str | os.PathLike[str] | None = None,
    worker: str | None = None,
    redact: Iterable[str] | None = None,
    args: bool | Iterable[str] = False,
    jobs: Jobs | None = None,
) -> None:
    """Record what a scheduler of APScheduler 3 does, before or after it was started.

    A second call for the same scheduler does nothing.

    Parameters
    ----------
    scheduler
        The scheduler.
    service
        Which application, in Taskscope.
    home
        The home folder; TASKSCOPE_HOME, else ~/.taskscope, when absent.
    worker
        What the scheduler is called; TASKSCOPE_WORKER, else `scheduler@host`, when absent.
    redact
        Names whose values are secrets, besides the usual ones.
    args
        Whether the arguments of jobs are recorded: all of them, or those of some names. None unless asked for.
    jobs
        What is known of jobs, by their ids: owner, category, description.
    """
    if scheduler not in _installed:
        _installed[scheduler] = _Integration(scheduler, service, home, worker, redact, args, jobs)
        _installed[scheduler].connect()


def uninstall(scheduler: Any) -> None:
    """Record no more of a scheduler, and say that it goes."""
    found = _installed.pop(scheduler, None)
    if found is not None:
        found.disconnect()


class Slot(NamedTuple):
    """One time at which a job is due."""

    due: datetime
    task: str
    run: str


class Plan(NamedTuple):
    """What an executor is to run: a job, at some of its slots, mostly one."""

    job: str
    queue: str
    slots: tuple[Slot, ...]
    grace_s: float | None

    def begun(self, number: int, now: datetime) -> int:
        """Tell which slot begins now, when those before `number` are over: APScheduler skips what is too late."""
        last = len(self.slots) - 1
        while (
            number < last
            and self.grace_s is not None
            and now - self.slots[number].due > timedelta(seconds=self.grace_s)
        ):
            number += 1
        return min(number, last)


class Recorded:
    """A job as executors look at it, with the function that is recorded."""

    def __init__(self, job: Any, func: Callable[..., Any]) -> None:
        self.id, self.name, self._jobstore_alias = job.id, job.name, job._jobstore_alias  # noqa: SLF001 - executors take it
        self.args, self.kwargs = job.args, job.kwargs
        self.misfire_grace_time, self.max_instances = job.misfire_grace_time, job.max_instances
        self.func = func
        self._shown = str(job)

    def __str__(self) -> str:
        return self._shown


class InChild:
    """A function that records its runs in whichever process it arrives.

    Parameters
    ----------
    func
        The function.
    plan
        What it runs for.
    about
        What a reporter is made of, with the sender at its end: these are runs of the scheduler.
    wanted
        Which arguments are shown.
    """

    def __init__(self, func: Callable[..., Any], plan: Plan, about: tuple[Any, ...], wanted: Wanted) -> None:
        self._func, self._plan, self._about, self._wanted = func, plan, about, wanted
        self._done = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it."""
        run = self._begin(args, kwargs)
        if run is None:
            return self._func(*args, **kwargs)
        with run:
            return self._func(*args, **kwargs)

    @guarded
    def _begin(self, args: Any, kwargs: Any) -> Execution:
        found = Arguments(self._wanted).of(self._func, args, kwargs)
        number = self._plan.begun(self._done, datetime.now(UTC))
        self._done = number + 1
        return _run(_reporter(*self._about), self._plan, number, found)


@cache
def _reporter(service: str, home: str | None, redact: tuple[str, ...], worker: str, boot: str) -> Reporter:
    return Reporter(service, home=home, redact=redact, sender=Sender(worker, boot))


def _run(reporter: Reporter, plan: Plan, number: int, found: Data | None) -> Execution:
    slot = plan.slots[number]
    return reporter.run(plan.job, slot.task, queue=plan.queue, run=slot.run, data=reporter.arguments(found))


class _Integration:
    """What is connected to one scheduler."""

    def __init__(
        self,
        scheduler: Any,
        service: str,
        home: str | os.PathLike[str] | None,
        worker: str | None,
        redact: Iterable[str] | None,
        args: bool | Iterable[str],  # noqa: FBT001 - a setting, handed on as it was given
        jobs: Jobs | None,
    ) -> None:
        self._scheduler = scheduler
        self._worker = worker or os.environ.get("TASKSCOPE_WORKER") or f"scheduler@{os.uname().nodename}"
        redact = (redact,) if isinstance(redact, str) else tuple(redact or ())
        self._about = (service, None if home is None else os.fspath(home), redact)
        self._jobs = jobs or {}
        self._arguments = Arguments(args)
        self._patches = Patches()
        self._reporter: Reporter | None = None
        self._under_way: dict[str, tuple[str, Plan, Slot]] = {}
        self._listeners = (
            (guarded(self._started), events.EVENT_SCHEDULER_STARTED),
            (guarded(self._ended), events.EVENT_SCHEDULER_SHUTDOWN),
            (guarded(self._executor_added), events.EVENT_EXECUTOR_ADDED),
            (guarded(self._store_added), events.EVENT_JOBSTORE_ADDED),
        )

    def connect(self) -> None:
        for listener, mask in self._listeners:
            self._scheduler.add_listener(listener, mask)
        if self._scheduler.running:
            guarded(self._started)()

    def disconnect(self) -> None:
        for listener, _ in self._listeners:
            self._scheduler.remove_listener(listener)
        self._ended()

    # --- the scheduler ------------------------------------------------------------------------------------------------

    def _started(self, _event: Any = None) -> None:
        service, home, redact = self._about
        self._reporter = Reporter(
            service, home=home, redact=redact, worker=self._worker, about={"role": SCHEDULER}, look=self._look
        )
        for alias, executor in self._executors().items():
            self._watch_executor(alias, executor)
        for store in self._stores().values():
            self._watch_store(store)
        self._reporter.present()

    def _ended(self, _event: Any = None) -> None:
        self._patches.undo()
        if self._reporter is not None:
            self._reporter.close()
            self._reporter = None

    def _look(self) -> Data:
        pools = [getattr(executor, "_pool", None) for executor in self._executors().values()]
        sizes = [getattr(pool, "_max_workers", None) for pool in pools]
        found: Data = {"queues": sorted(self._executors())}
        if None not in sizes:  # some executors have no limit
            found["concurrency"] = sum(sizes)
        return found

    def _executors(self) -> dict[str, Any]:
        found: dict[str, Any] = self._scheduler._executors  # noqa: SLF001 - it can't be asked otherwise
        return found

    def _stores(self) -> dict[str, Any]:
        found: dict[str, Any] = self._scheduler._jobstores  # noqa: SLF001 - the same
        return found

    def _executor_added(self, event: Any) -> None:
        if self._reporter is not None:
            self._watch_executor(event.alias, self._executors()[event.alias])
            self._reporter.tell()

    def _store_added(self, event: Any) -> None:
        if self._reporter is not None:
            self._watch_store(self._stores()[event.alias])

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def _watch_store(self, store: Any) -> None:
        for job in store.get_all_jobs():
            self._register(job)
        self._patches.put(store, "add_job", self._registering)
        self._patches.put(store, "update_job", self._registering)
        self._patches.put(store, "remove_job", self._removing)

    def _registering(self, change: Callable[..., Any]) -> Callable[..., Any]:
        register = guarded(self._register)

        def changed(job: Any) -> Any:
            done = change(job)
            register(job)
            return done

        return changed

    def _register(self, job: Any) -> None:
        if self._reporter is not None and not _made_up(job.id):
            known = {"job_name": job.name} | dict(self._jobs.get(job.id, {}))
            state = {"enabled": True, "paused": job.next_run_time is None, "next_run": job.next_run_time}
            self._reporter.registered(job.id, known | {"schedule": str(job.trigger)} | state)

    def _removing(self, remove: Callable[..., Any]) -> Callable[..., Any]:
        retire = guarded(self._retire)

        def removed(job_id: str) -> Any:
            done = remove(job_id)
            retire(job_id)
            return done

        return removed

    def _retire(self, job_id: str) -> None:
        if self._reporter is not None and not _made_up(job_id):
            self._reporter.registered(job_id, {"enabled": False, "next_run": None})

    # --- executors ----------------------------------------------------------------------------------------------------

    def _watch_executor(self, alias: str, executor: Any) -> None:
        plan, skip, settle, fail = (guarded(method) for method in (self._plan, self._skip, self._settle, self._fail))
        far = type(executor).__name__ == "ProcessPoolExecutor"

        def submitting(submit: Callable[..., Any]) -> Callable[..., Any]:
            def submitted(job: Any, run_times: list[datetime]) -> Any:
                made = plan(alias, job, run_times, far=far)
                if made is None:
                    return submit(job, run_times)
                try:
                    return submit(made[1], run_times)
                except BaseException as error:
                    skip(
                        made[0],
                        "max_instances" if isinstance(error, MaxInstancesReachedError) else type(error).__name__,
                    )
                    raise

            return submitted

        def succeeding(succeed: Callable[..., Any]) -> Callable[..., Any]:
            def succeeded(job_id: str, found: list[Any]) -> Any:
                settle(job_id, found)
                return succeed(job_id, found)

            return succeeded

        def failing(report: Callable[..., Any]) -> Callable[..., Any]:
            def failed(job_id: str, error: BaseException, *more: Any) -> Any:
                fail(alias, job_id, error)
                return report(job_id, error, *more)

            return failed

        self._patches.put(executor, "submit_job", submitting)
        self._patches.put(executor, "_run_job_success", succeeding)
        self._patches.put(executor, "_run_job_error", failing)

    def _plan(self, queue: str, job: Any, run_times: list[datetime], *, far: bool) -> tuple[Plan, Recorded] | None:
        reporter = self._reporter
        if reporter is None:
            return None
        slots = tuple(Slot(due, _task(job.id, due), new_run()) for due in run_times)
        name = job.func_ref if _made_up(job.id) and job.func_ref else job.id
        plan = Plan(name, queue, slots, job.misfire_grace_time)
        for slot in slots:
            reporter.submitted(name, slot.task, queue=queue, eta=slot.due)
            self._under_way[slot.task] = job.id, plan, slot
        about = (*self._about, *reporter.sender)
        wanted = self._arguments.wanted
        return plan, Recorded(
            job, InChild(job.func, plan, about, wanted) if far else self._here(reporter, job.func, plan)
        )

    def _here(self, reporter: Reporter, func: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
        """Give a function of the same kind that records its runs in this process."""
        done = 0

        def begin(args: Any, kwargs: Any) -> Execution:
            nonlocal done
            number = plan.begun(done, datetime.now(UTC))
            done = number + 1
            return _run(reporter, plan, number, self._arguments.of(func, args, kwargs))

        return wrap(func, begin)

    def _skip(self, plan: Plan, reason: str) -> None:
        for slot in plan.slots:
            self._cancel(plan, slot, reason)

    def _cancel(self, plan: Plan, slot: Slot, reason: str) -> None:
        self._under_way.pop(slot.task, None)
        if self._reporter is not None:
            names: dict[str, Any] = {"job": plan.job, "queue": plan.queue}
            self._reporter.ended("task.cancelled", slot.task, data={"reason": reason}, **names)

    def _settle(self, job_id: str, found: list[Any]) -> None:
        """Take note of what an executor says has happened."""
        for event in found:
            under_way = self._under_way.pop(_task(job_id, event.scheduled_run_time), None)
            if under_way is not None and event.code == events.EVENT_JOB_MISSED:
                self._cancel(*under_way[1:], "missed")

    def _fail(self, queue: str, job_id: str, error: BaseException) -> None:
        """Tell of runs that an executor could not carry out: its processes died, or it could not reach them."""
        mine = [found for found in self._under_way.values() if found[0] == job_id and found[1].queue == queue]
        if not isinstance(error, BrokenExecutor):
            mine = mine[:1]
        for _, plan, slot in mine:
            if not isinstance(error, BrokenExecutor):
                self._skip(plan, type(error).__name__)  # where it did run, its own end stands
            elif self._under_way.pop(slot.task, None) and self._reporter is not None:
                names: dict[str, Any] = {"run": slot.run, "job": plan.job, "queue": plan.queue}
                self._reporter.ended("task.lost", slot.task, data=self._reporter.error(error), **names)


def _task(job_id: str, due: datetime) -> str:
    return f"{job_id[:_TASK_LIMIT]}@{due.astimezone(UTC).isoformat().replace('+00:00', 'Z')}"


def _made_up(job_id: str) -> bool:
    """Tell whether APScheduler made up the id, as it does for jobs that were given none: another one each time."""
    try:
        return len(job_id) == 32 and UUID(job_id).version == 4
    except ValueError:
        return False
