"""From JSON to a fact: one normal form for every accepted spelling, and a clear refusal for everything else.

A refusal names the field, shows the value and says what to send instead. The fast path decodes into a typed shape;
only what it refuses is looked at again, field by field, to find the words.
"""

from __future__ import annotations

import msgspec

from taskscope.core.clock import from_ms
from taskscope.core.events import EVENT_TYPES, TASK_TYPES, Event, canonical, content_hash, derived_id
from taskscope.core.explain import explain, explain_fields
from taskscope.core.instants import instant
from taskscope.core.payload import check_payload, holds_beyond
from taskscope.core.refusal import bad_name, refuse
from taskscope.core.wire import Wire

TASK_LIMIT = 500
LONGEST_US = 100 * 366 * 86_400_000_000
"""The longest duration that is believed: a century."""

_TYPES = frozenset(EVENT_TYPES)
_OF_TASKS = frozenset(TASK_TYPES)

_decoder = msgspec.json.Decoder(Wire)


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
        raise explain(line, error) from None
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
    moment = wire.time
    if moment is None:
        raise refuse("time", None, "is missing", "send RFC 3339 with an offset, or epoch milliseconds")
    time = instant("time", moment)
    task = wire.task
    if type(task) is not str or kind not in _OF_TASKS or not 0 < len(task) <= TASK_LIMIT:
        task = _task(kind, wire)
    attempt = 1 if wire.attempt is None else wire.attempt
    if not 1 <= attempt <= 2**31:
        raise refuse("attempt", attempt, "is out of range", "attempts count from 1")
    queue = wire.endpoint if wire.queue is None else wire.queue
    service = "default" if wire.service is None else wire.service
    if check_nul:
        _refuse_nul(wire)
    duration = None if wire.duration_ms is None else _duration(wire.duration_ms, time)
    data = check_payload(kind, wire.data) if wire.data else {}
    event = Event(
        wire.id or "",
        kind,
        time,
        service,
        task,
        attempt,
        wire.run,
        wire.job,
        queue,
        wire.worker,
        wire.boot,
        duration,
        data,
    )
    content = canonical(event)
    if wire.id is None:
        event.id = derived_id(content)
    return event, content_hash(event.id, content)


def _task(kind: str, wire: Wire) -> str | None:
    """Check what a fact of this type must name, and give its task."""
    if not kind.startswith("task."):
        if kind.startswith("worker.") and wire.worker is None:
            raise refuse("worker", None, "is missing", "every worker.* event names its worker")
        if kind == "job.registered" and wire.job is None:
            raise refuse("job", None, "is missing", "job.registered names its job")
        if kind == "spool.gap" and (wire.data or {}).get("dropped") is None:
            raise refuse("data.dropped", None, "is missing", "spool.gap tells how many facts were dropped")
        return None
    if wire.task is None:
        raise refuse("task", None, "is missing", "every task.* event names its task")
    if isinstance(wire.task, int) and holds_beyond(wire.task):
        raise refuse("task", wire.task, "is an integer beyond 64 bits", "send it as text")
    task = str(wire.task)
    if not 0 < len(task) <= TASK_LIMIT:
        raise bad_name("task", task, TASK_LIMIT)
    return task


def _duration(value: float, time: int) -> int:
    if value < 0:
        raise refuse("duration_ms", value, "is negative", "measure with a monotonic clock, or leave it out")
    if value > LONGEST_US / 1000:
        raise refuse("duration_ms", value, "is longer than a century", "send milliseconds")
    duration = from_ms(value)
    if duration > time:
        raise refuse("duration_ms", value, "reaches back before 1970", "send milliseconds")
    return duration


def _refuse_nul(wire: Wire) -> None:
    for field in ("id", "service", "task", "run", "job", "queue", "endpoint", "worker", "boot"):
        value = getattr(wire, field)
        if isinstance(value, str) and "\0" in value:
            raise bad_name(field, value)
