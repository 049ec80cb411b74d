"""Celery's event stream, turned into facts: for applications that can't be changed.

Each event gives the same fact in whichever process reads it: its id, and the ids of run and boot, are derived from what
the event says. So two readers, or one that was restarted, count nothing twice. What an event leaves out is remembered
from an earlier one: only `task-sent` and `task-received` tell the name of a task and how often it was tried, only
`worker-online` tells that a worker was started anew.
"""

import re
from bisect import insort
from collections import OrderedDict
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from taskscope.sdk.fact import Fact, count, instant, name, optional_name, text
from taskscope.sdk.scope import HEARTBEAT_S, TTL_S

Event = dict[str, Any]
_REMEMBERED = 200_000
_DAY_S = 86_400
_LONGEST_S = 36_500 * _DAY_S
_TYPE_LIMIT = 200
_MESSAGE_LIMIT = 2_000
_TRACEBACK_LIMIT = 20_000
_ERROR = re.compile(r"([A-Za-z_][\w.]*)\(")
_PLAIN: dict[str, tuple[str, dict[str, Any]]] = {
    "task-started": ("task.started", {}),
    "task-succeeded": ("task.succeeded", {}),
    "task-cancelled": ("task.cancelled", {"reason": "the connection to the broker was lost"}),
    "task-rejected": ("task.cancelled", {"reason": "rejected, to be delivered again"}),
}
_FAILURES = {"task-failed": "task.failed", "task-retried": "task.retrying"}
_BY_ERROR = {
    "SoftTimeLimitExceeded": "task.timed_out",
    "TimeLimitExceeded": "task.timed_out",
    "WorkerLostError": "task.lost",
}


class _Known:
    """What is remembered of a task: the attempt that runs, and those that wait behind it.

    The next attempt is sent before the event that says so of the one that asked for it.
    """

    __slots__ = ("job", "running", "waiting")

    def __init__(self) -> None:
        self.job: str | None = None
        self.running = 0
        self.waiting: list[int] = []

    def sent(self, attempt: int) -> None:
        """Take note of an attempt, once: a redelivery is the same one."""
        if attempt > self.running and attempt not in self.waiting:
            insort(self.waiting, attempt)

    def started(self) -> None:
        """Take note that the next attempt begins; without one it is a redelivery."""
        if self.waiting:
            self.running = self.waiting.pop(0)

    def attempt(self, *, ran: bool) -> int:
        """Give the attempt that an event means."""
        last = self.waiting[-1:] or [self.running]
        return (self.running if ran else last[0]) or next(iter(self.waiting), 1)


class Translator:
    """Gives the facts of events, in the order in which they come.

    Parameters
    ----------
    service
        Which application.
    boots
        The boot of each worker, by its name, as an earlier reader knew them.

    Attributes
    ----------
    boots
        The same now; to be kept for the next reader.
    """

    def __init__(self, service: str, boots: dict[str, str] | None = None) -> None:
        self._service = name(service)
        self.boots = dict(boots or {})
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._beats: dict[str, float] = {}

    def facts(self, event: Event) -> list[Fact]:
        """Give what an event says; nothing for one that says nothing, or is none of Celery's."""
        kind, time_s = event.get("type"), event.get("timestamp")
        if not isinstance(kind, str) or not isinstance(time_s, int | float) or not event.get("hostname"):
            return []
        if kind.startswith("worker-"):
            return self._worker(kind, event, time_s)
        if kind.startswith("task-") and event.get("uuid"):
            return self._task(kind, event)
        return []

    # --- tasks --------------------------------------------------------------------------------------------------------

    def _task(self, kind: str, event: Event) -> list[Fact]:
        task = text(event["uuid"])
        if kind in {"task-sent", "task-received"}:
            known, attempt = self._remembered(task), (count(event.get("retries")) or 0) + 1
            known.job = optional_name(event.get("name")) or known.job
            known.sent(attempt)
            return [self._sent(task, attempt, known.job, event)] if kind == "task-sent" else []
        found = _ending(kind, event)
        if found is None:
            return []
        type_, data, ran = found
        known = self._remembered(task)
        if type_ == "task.started":
            known.started()
        fact = self._fact(type_, event, data)
        fact.task, fact.attempt, fact.job = task, known.attempt(ran=ran), known.job
        if ran:
            fact.run = self._derived("run", task, fact.attempt, event["hostname"])
            fact.worker, fact.boot = name(event["hostname"]), self._boot(event)
        runtime_s = event.get("runtime")
        if isinstance(runtime_s, int | float) and 0 <= runtime_s <= min(event["timestamp"], _LONGEST_S):
            fact.duration_ms = runtime_s * 1000.0
        return [fact]

    def _sent(self, task: str, attempt: int, job: str | None, event: Event) -> Fact:
        data: dict[str, Any] = {}
        if event.get("eta"):
            data["eta"] = instant(_aware(event["eta"]))
        if event.get("parent_id"):
            data["parent"] = {"task": text(event["parent_id"])}
        fact = self._fact("task.submitted", event, data)
        fact.task, fact.attempt, fact.job = task, attempt, job
        fact.queue = optional_name(event.get("queue"))
        return fact

    def _remembered(self, task: str) -> _Known:
        known = self._known.setdefault(task, _Known())
        self._known.move_to_end(task)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return known

    # --- workers ------------------------------------------------------------------------------------------------------

    def _worker(self, kind: str, event: Event, time_s: float) -> list[Fact]:
        host = str(event["hostname"])
        if kind == "worker-online":
            self.boots[host] = self._derived("boot", host, event.get("pid"), time_s)
            self._beats[host] = time_s
            about = {"pid": event.get("pid"), "ttl_ms": _ttl_ms(event)}
            return [self._of_worker("worker.online", event, about), self._of_worker("worker.heartbeat", event)]
        if kind == "worker-offline":
            return [self._of_worker("worker.offline", event)]
        if kind == "worker-heartbeat" and not 0 <= time_s - self._beats.get(host, -HEARTBEAT_S) < HEARTBEAT_S:
            self._beats[host] = time_s  # Celery sends one each two seconds
            return [self._of_worker("worker.heartbeat", event)]
        return []

    def _of_worker(self, type_: str, event: Event, data: dict[str, Any] | None = None) -> Fact:
        if type_ == "worker.heartbeat":
            data = {"ttl_ms": _ttl_ms(event)}
        fact = self._fact(type_, event, data)
        fact.worker, fact.boot = name(event["hostname"]), self._boot(event)
        return fact

    def _boot(self, event: Event) -> str:
        """Give the worker's boot; of one whose start nobody saw, derived from its process."""
        host = str(event["hostname"])
        if host not in self.boots:
            self.boots[host] = self._derived("boot", host, event.get("pid"))
        return self.boots[host]

    def _fact(self, type_: str, event: Event, data: dict[str, Any] | None) -> Fact:
        time_s = event["timestamp"]
        told = (event.get(key) for key in ("hostname", "pid", "uuid", "clock"))
        id_ = self._derived(type_, event["type"], repr(time_s), *told, time_s=time_s)
        return Fact(id_, type_, datetime.fromtimestamp(time_s, UTC), self._service, data=data or None)

    def _derived(self, *parts: object, time_s: float = 0.0) -> str:
        """Give the UUID that stands for these parts; with a time, one that ascends with it."""
        said = "\0".join(map(str, (self._service, *parts)))
        digits = blake2b(said.encode("utf-8", "replace"), digest_size=16).hexdigest()
        head = f"{int(time_s * 1000):012x}" if time_s else digits[20:32]
        version = 7 if time_s else 8
        return f"{head[:8]}-{head[8:12]}-{version}{digits[:3]}-8{digits[3:6]}-{digits[6:18]}"


def _ending(kind: str, event: Event) -> tuple[str, dict[str, Any], bool] | None:
    """Give the fact's type, its data, and whether a run is meant and not a task that waits."""
    if kind == "task-revoked":
        reason = "expired" if event.get("expired") else "terminated" if event.get("terminated") else "revoked"
        return "task.cancelled", {"reason": reason}, bool(event.get("terminated"))
    if kind == "task-rejected" and not event.get("requeue"):
        return "task.failed", {"error": {"type": "Reject", "message": "rejected"}}, True
    if kind in _PLAIN:
        return *_PLAIN[kind], True
    if kind not in _FAILURES:
        return None
    said = text(event.get("exception") or "")
    match = _ERROR.match(said)
    type_ = match[1] if match else said[:_TYPE_LIMIT]
    trace = text(event.get("traceback") or "")[-_TRACEBACK_LIMIT:]
    error = {"type": type_, "message": said[:_MESSAGE_LIMIT], "traceback": trace}
    found = _FAILURES[kind]
    return _BY_ERROR.get(type_, found) if kind == "task-failed" else found, {"error": error}, True


def _ttl_ms(event: Event) -> int:
    freq_s = event.get("freq")
    pace_s = freq_s if isinstance(freq_s, int | float) and 0 < freq_s < _LONGEST_S else 0
    return round(1000 * min(_DAY_S, max(TTL_S, 3 * pace_s)))


def _aware(eta: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(eta))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
