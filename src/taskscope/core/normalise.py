"""From JSON to a fact: one normal form for every accepted spelling, and a clear refusal for everything else.

A refusal names the field, shows the value and says what to send instead. The fast path decodes into a typed shape;
only what it refuses is looked at again, field by field, to find the words.
"""

from __future__ import annotations

import re
from datetime import datetime  # noqa: TC003 - msgspec reads the annotation
from typing import Annotated, Any

import msgspec

from taskscope.core.clock import from_ms, to_text
from taskscope.core.events import EVENT_TYPES, Event, canonical, content_hash, derived_id
from taskscope.core.instants import instant, read_instant
from taskscope.core.known_data import check_data
from taskscope.core.refusal import refuse, shown
from taskscope.errors import InputError

NAME_LIMIT = 200
TASK_LIMIT = 500
DATA_LIMIT = 64 * 1024
DEPTH_LIMIT = 32
LONGEST_US = 100 * 366 * 86_400_000_000
"""The longest duration that is believed: a century."""

_TYPES = frozenset(EVENT_TYPES)
_MANY_DIGITS = re.compile(rb"\d{19}")


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LIMIT)]


class Wire(msgspec.Struct, gc=False):
    """A fact as it is sent; fields that are null count as missing, others are ignored."""

    type: str | None = None
    time: datetime | int | float | None = None  # noqa: PYI041 - msgspec tells them apart
    id: Name | None = None
    service: Name | None = None
    task: str | int | None = None
    attempt: int | None = None
    run: Name | None = None
    job: Name | None = None
    queue: Name | None = None
    endpoint: Name | None = None
    worker: Name | None = None
    boot: Name | None = None
    duration_ms: int | float | None = None  # noqa: PYI041 - msgspec tells them apart
    data: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(Wire)
_anything = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder(order="deterministic")


def decode_event(line: bytes) -> tuple[Event, int]:
    """Read one fact from JSON.

    Returns
    -------
    The fact and its content hash.

    Raises
    ------
    InputError
        It is no JSON, or breaks a rule of the contract.
    """
    try:
        wire = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _explain(line, error) from None
    return normalise(wire, check_nul=b"\\u0000" in line)


def convert_event(value: object) -> tuple[Event, int]:
    """Read one fact from a decoded JSON value, as `decode_event` does from text."""
    try:
        wire = msgspec.convert(value, Wire)
    except msgspec.ValidationError as error:
        raise explain_fields(value, error) from None
    return normalise(wire)


def normalise(wire: Wire, *, check_nul: bool = True) -> tuple[Event, int]:
    """Check a fact against the rules and give it its normal form and its content hash.

    Parameters
    ----------
    wire
        The fact, decoded; the decoder has checked types and the lengths of names.
    check_nul
        False when the text that it was decoded from is known to hold no NUL character.
    """
    kind = wire.type
    if kind is None or kind not in _TYPES:
        raise refuse("type", kind, "is no event type", "send one of " + ", ".join(EVENT_TYPES))
    if wire.time is None:
        raise refuse("time", None, "is missing", "send RFC 3339 with an offset, or epoch milliseconds")
    time = instant("time", wire.time)
    task, worker, job = wire.task, wire.worker, wire.job
    if kind.startswith("task."):
        if task is None:
            raise refuse("task", None, "is missing", "every task.* event names its task")
        if not isinstance(task, str):
            if _holds_beyond(task):
                raise refuse("task", task, "is an integer beyond 64 bits", "send it as text")
            task = str(task)
        if not 0 < len(task) <= TASK_LIMIT:
            raise _bad_name("task", task, TASK_LIMIT)
    elif task is not None:
        task = None
    if kind.startswith("worker.") and worker is None:
        raise refuse("worker", None, "is missing", "every worker.* event names its worker")
    if kind == "job.registered" and job is None:
        raise refuse("job", None, "is missing", "job.registered names its job")
    attempt = 1 if wire.attempt is None else wire.attempt
    if not 1 <= attempt <= 2**31:
        raise refuse("attempt", attempt, "is out of range", "attempts count from 1")
    queue = wire.endpoint if wire.queue is None else wire.queue
    service = "default" if wire.service is None else wire.service
    if check_nul:
        _refuse_nul(wire)
    duration = None if wire.duration_ms is None else _duration(wire.duration_ms, time)
    data = _data(kind, wire.data) if wire.data else {}
    event = Event(
        wire.id or "", kind, time, service, task, attempt, wire.run, job, queue, worker, wire.boot, duration, data
    )
    try:
        content = canonical(event)
    except OverflowError:
        message = "holds an integer beyond 64 bits"
        raise refuse("data", wire.data, message, "send such a number as text") from None
    if wire.id is None:
        event.id = derived_id(content)
    return event, content_hash(event.id, content)


def _duration(value: float, time: int) -> int:
    if value < 0:
        raise refuse("duration_ms", value, "is negative", "measure with a monotonic clock, or leave it out")
    if value > LONGEST_US / 1000:
        raise refuse("duration_ms", value, "is longer than a century", "send milliseconds")
    duration = from_ms(value)
    if duration > time:
        raise refuse("duration_ms", value, "reaches back before 1970", "send milliseconds")
    return duration


def _data(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    try:
        text = _encoder.encode(data)
        beyond = _MANY_DIGITS.search(text) is not None and _holds_beyond(data)
    except OverflowError:  # an older msgspec knows no such integers, a newer one writes them
        beyond = True
    if beyond:
        raise refuse("data", data, "holds an integer beyond 64 bits", "send such a number as text")
    if len(text) > DATA_LIMIT:
        message = f"is {len(text)} bytes long, more than 64 KiB"
        raise refuse("data", None, message, "keep large values elsewhere and send a reference")
    if text.count(b"{") + text.count(b"[") > DEPTH_LIMIT and _depth(data) > DEPTH_LIMIT:
        raise refuse("data", None, f"is nested deeper than {DEPTH_LIMIT} levels", "flatten it, or send it as text")
    if b"\\u0000" in text:
        data = _without_nul(data)
    return check_data(kind, data)


def _holds_beyond(value: object) -> bool:
    """Tell whether an integer lies outside of what databases and other languages take for one."""
    if isinstance(value, int):
        return not -(1 << 63) <= value < 1 << 64
    if isinstance(value, dict):
        return any(_holds_beyond(one) for one in value.values())
    return isinstance(value, list) and any(_holds_beyond(one) for one in value)


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level:
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
        ]
        depth += 1
    return depth - 1


def _without_nul(value: Any) -> Any:
    """Replace NUL, which databases refuse in text, by the replacement character."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(one) for key, one in value.items()}
    return value


def _refuse_nul(wire: Wire) -> None:
    for field in ("id", "service", "task", "run", "job", "queue", "endpoint", "worker", "boot"):
        value = getattr(wire, field)
        if isinstance(value, str) and "\0" in value:
            raise _bad_name(field, value, NAME_LIMIT)


def _bad_name(field: str, value: str, limit: int) -> InputError:
    if not value:
        return refuse(field, value, "is empty", "leave the field out, or give a name")
    if "\0" in value:
        return refuse(field, value, "holds a NUL character", "take it out of the name")
    return refuse(field, value, f"has {len(value)} characters, more than {limit}", "use a shorter name")


# --- finding the words for what the typed decoder refused ---

_EXPECTED: dict[str, tuple[tuple[type, ...], str]] = {
    "type": ((str,), "send text"),
    "id": ((str,), "send text"),
    "service": ((str,), "send text"),
    "task": ((str, int), "send text or an integer of 64 bits"),
    "attempt": ((int,), "send an integer from 1"),
    "run": ((str,), "send text"),
    "job": ((str,), "send text"),
    "queue": ((str,), "send text"),
    "endpoint": ((str,), "send text"),
    "worker": ((str,), "send text"),
    "boot": ((str,), "send text"),
    "duration_ms": ((int, float), "send a finite number of milliseconds"),
    "data": ((dict,), "send a JSON object"),
}


_NAMES = ("id", "service", "run", "job", "queue", "endpoint", "worker", "boot")


def parse_json(line: bytes) -> Any:
    """Decode any JSON value.

    Raises
    ------
    InputError
        The text is no JSON; says where and, for known causes, why.
    """
    try:
        return _anything.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(line, error) from None


def _explain(line: bytes, error: Exception) -> InputError:
    try:
        value = _anything.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as syntax:
        return _not_json(line, syntax)
    return explain_fields(value, error)


def explain_fields(value: object, error: Exception) -> InputError:
    """Find which field of a decoded value does not fit, and say what to send."""
    if not isinstance(value, dict):
        return InputError("an event is a JSON object", value=shown(value), remedy="send one object a line")
    for field, (kinds, remedy) in _EXPECTED.items():
        found = value.get(field)
        if found is None:
            continue
        if not isinstance(found, kinds) or isinstance(found, bool):
            return refuse(field, found, f"is {_kind(found)}", remedy)
        if field in _NAMES and not 0 < len(found) <= NAME_LIMIT:
            return _bad_name(field, found, NAME_LIMIT)
    if value.get("time") is not None:
        try:
            read_instant("time", value["time"])
        except InputError as refusal:
            return refusal
    return InputError(f"the event does not fit: {error}", value=shown(value), remedy="see the contract of events")


def _not_json(line: bytes, error: Exception) -> InputError:
    text, remedy = str(error), "send one JSON object a line, in UTF-8"
    if isinstance(error, RecursionError):
        return InputError(f"the JSON is nested deeper than {DEPTH_LIMIT} levels", remedy="flatten it")
    if re.search(rb"(?i)[:\[,]\s*-?(nan|inf)", line):
        text, remedy = "NaN and infinite numbers are no JSON", "send null, or leave the field out"
    elif re.search(rb"\\u[dD][89a-fA-F]", line):
        text, remedy = "a lone surrogate stands for no character", "send the whole pair, or UTF-8"
    elif "out of range" in text:
        text, remedy = "a number is too large for a 64-bit float", "send such a number as text"
    elif b"\0" in line[:4096] or isinstance(error, UnicodeDecodeError) or "UTF-8" in text:
        text = "this is no UTF-8 text"
    return InputError(f"not valid JSON: {text}", value=shown(line[:60].decode("utf-8", "replace")), remedy=remedy)


def _kind(value: object) -> str:
    names = {str: "text", bool: "a boolean", int: "an integer", float: "a number", list: "an array", dict: "an object"}
    return names.get(type(value), "of another kind")


def wire_form(event: Event) -> dict[str, Any]:
    """Write a fact as the contract sends it; reading it again gives the same fact, id and content."""
    form: dict[str, Any] = {"id": event.id, "type": event.type, "time": to_text(event.time), "service": event.service}
    if event.task is not None:
        form |= {"task": event.task, "attempt": event.attempt}
    elif event.attempt != 1:
        form["attempt"] = event.attempt
    for field in ("run", "job", "queue", "worker", "boot"):
        if (value := getattr(event, field)) is not None:
            form[field] = value
    if event.duration is not None:
        form["duration_ms"] = event.duration / 1000 if event.duration % 1000 else event.duration // 1000
    if event.data:
        form["data"] = event.data
    return form
