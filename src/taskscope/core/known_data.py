"""The known keys of an event's `data`: their types are checked, their values brought into one form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.core.clock import to_text
from taskscope.core.instants import read_instant
from taskscope.core.refusal import refuse

if TYPE_CHECKING:
    from collections.abc import Callable


def check_data(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Check the known keys of the data of an event of this type.

    Raises
    ------
    InputError
        A known key holds what it can't mean.
    """
    checks = _OTHER.get(kind) or (_WORKER if kind.startswith("worker.") else _TASK)
    known = checks.keys() & data.keys()
    if not known:
        return data
    checked = dict(data)
    for key in sorted(known):
        if data[key] is None and checks is not _REGISTERED:
            del checked[key]
        elif data[key] is not None:
            checked[key] = checks[key](f"data.{key}", data[key])
    return checked


def _number(low: float, high: float, remedy: str) -> Callable[[str, Any], float]:
    def check(field: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise refuse(field, value, "can't be used", remedy)
        return int(value) if value == int(value) else value

    return check


def _integer(low: int, high: int, remedy: str) -> Callable[[str, Any], int]:
    def check(field: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise refuse(field, value, "can't be used", remedy)
        return value

    return check


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise refuse(field, value, "can't be used", "send text")
    return value


def _boolean(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise refuse(field, value, "can't be used", "send true or false")
    return value


def _class(field: str, value: Any) -> str:
    if value not in ("task", "extra"):
        raise refuse(field, value, "can't be used", "send task or extra")
    return str(value)


def _names(field: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and 0 < len(name) <= 200 for name in value):
        raise refuse(field, value, "can't be used", "send an array of names of at most 200 characters")
    return value


def _error(field: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"message": value}
    if not isinstance(value, dict):
        raise refuse(field, value, "can't be used", 'send an object such as {"type": "ValueError", "message": "..."}')
    _texts(field, value, ("type", "message", "traceback", "fingerprint"))
    return value


def _parent(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or value.get("task") is None:
        raise refuse(field, value, "can't be used", 'send an object such as {"task": "t-1", "run": "r-1"}')
    _texts(field, value, ("task", "run", "service"))
    return value


def _texts(field: str, value: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in keys:
        if value.get(key) is not None:
            _text(f"{field}.{key}", value[key])


def _time(field: str, value: Any) -> str:
    return to_text(read_instant(field, value))


_CENTURY_MS = 100 * 366 * 86_400_000
_LIMIT = _number(0, _CENTURY_MS, "send milliseconds from 0")

_TASK: dict[str, Callable[[str, Any], Any]] = {
    "error": _error,
    "timeout_ms": _LIMIT,
    "idempotency_key": _text,
    "parent": _parent,
    "progress": _number(0, 1, "send a number from 0 to 1"),
    "outputs": _integer(0, 10**12, "send an integer from 0"),
    "eta": _time,
    "imported": _boolean,
    "wait_known": _boolean,
}
_WORKER: dict[str, Callable[[str, Any], Any]] = {
    "concurrency": _integer(0, 10**6, "send an integer from 0"),
    "ttl_ms": _number(1, 86_400_000, "send milliseconds, at most a day"),
    "queues": _names,
    "role": _text,
}
_REGISTERED: dict[str, Callable[[str, Any], Any]] = {
    "job_name": _text,
    "owner": _text,
    "category": _text,
    "description": _text,
    "schedule": _text,
    "timeout_ms": _LIMIT,
    "enabled": _boolean,
    "paused": _boolean,
    "next_run": _time,
}
_GAP: dict[str, Callable[[str, Any], Any]] = {
    "dropped": _integer(1, 10**15, "send an integer from 1"),
    "class": _class,
    "since": _time,
    "until": _time,
    "reason": _text,
}
_OTHER = {"job.registered": _REGISTERED, "spool.gap": _GAP}
