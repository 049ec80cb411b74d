"""A runs file: history that exists already, one run a line, as facts.

Each line becomes what the application would have recorded: a submission, a start and an end, as far as they are
known. The facts are named after what they say, so a line that is imported again, or again after the run has gone on,
adds only what is new. They are marked as imported: history waits for nothing, so such a run is never timed out or
lost by the clock.
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from taskscope.core.events import Event, canonical, content_hash, derived_id
from taskscope.core.explain import explain_fields, parse_json
from taskscope.core.instants import read_instant
from taskscope.core.normalise import normalise
from taskscope.core.refusal import refuse, shown
from taskscope.core.wire import Wire
from taskscope.errors import InputError

END_OF = {
    "succeeded": "task.succeeded",
    "failed": "task.failed",
    "timeout": "task.timed_out",
    "cancelled": "task.cancelled",
}
STATUSES = (*END_OF, "running", "pending")

_NAMESPACE = uuid.UUID("5a1c0f9e-3d5b-5c8e-9a57-7461736b7363")
_OWN = ("task_id", "job", "queue", "worker", "submitted_at", "started_at", "finished_at", "status", "attempt", "attrs")


def decode_run(line: bytes, service: str | None = None) -> list[tuple[Event, int]]:
    """Read one run from JSON, as facts with their content hashes.

    Parameters
    ----------
    line
        One JSON object in the form of a runs file.
    service
        The application that the runs belong to, unless the line names one.

    Raises
    ------
    InputError
        It is no JSON, lacks a required field, or contradicts itself.
    """
    return convert_run(parse_json(line), service)


def convert_run(run: Any, service: str | None = None) -> list[tuple[Event, int]]:
    """Read one run from a decoded JSON value, as `decode_run` does from text."""
    if not isinstance(run, dict):
        raise InputError("a run is a JSON object", value=shown(run), remedy="send one object a line")
    for field in ("task_id", "job", "status", "submitted_at"):
        if run.get(field) is None:
            raise refuse(field, None, "is missing", "a run names task_id, job, status and submitted_at")
    status = run["status"]
    if status not in STATUSES:
        raise refuse("status", status, "is unknown", "send one of " + ", ".join(STATUSES))
    submitted, started, finished = (_time(run, field) for field in ("submitted_at", "started_at", "finished_at"))
    if status in END_OF and finished is None:
        raise refuse("finished_at", None, f"is missing for a run that {status}", "send it, or status running")
    if status == "running" and started is None:
        raise refuse("started_at", None, "is missing for a run that runs", "send it, or status pending")
    attrs = run.get("attrs") or {}
    if not isinstance(attrs, dict):
        raise refuse("attrs", attrs, "is no object", "send a JSON object")
    return _facts(run, service, status, (submitted, started, finished), attrs)


def _facts(
    run: dict[str, Any],
    service: str | None,
    status: str,
    times: tuple[int | None, int | None, int | None],
    attrs: dict[str, Any],
) -> list[tuple[Event, int]]:
    submitted, started, finished = times
    attempt = run.get("attempt")
    common = {
        "service": run.get("service", service),
        "task": run["task_id"],
        "attempt": attempt,
        "job": run["job"],
        "queue": run.get("queue"),
    }
    facts = [_fact({**common, "type": "task.submitted"}, submitted, {"imported": True})]
    if status == "pending":
        return facts
    identity = [facts[0][0].service, facts[0][0].task, facts[0][0].attempt, started]
    ran = {
        **common,
        "worker": run.get("worker"),
        "run": str(uuid.uuid5(_NAMESPACE, msgspec.json.encode(identity).decode())),
    }
    more: dict[str, Any] = {"imported": True}
    if attrs.get("wait_known") is False:
        more["wait_known"] = False
    details = {key: value for key, value in run.items() if key not in _OWN and value is not None and key != "service"}
    if attrs:
        details["attrs"] = attrs
    if started is not None:
        facts.append(_fact({**ran, "type": "task.started"}, started, {**more, **details}))
        details = {}
    if status in END_OF:
        facts.append(_fact({**ran, "type": END_OF[status]}, finished, {**more, **details}))
    return facts


def _time(run: dict[str, Any], field: str) -> int | None:
    value = run.get(field)
    return None if value is None else read_instant(field, value)


def _fact(fields: dict[str, Any], time: int | None, data: dict[str, Any]) -> tuple[Event, int]:
    """Make a fact under the rules of all facts; its time is exact already."""
    try:
        event, _ = normalise(msgspec.convert({**fields, "time": 0, "data": data}, Wire))
    except msgspec.ValidationError as error:
        raise _renamed(explain_fields(fields, error)) from None
    except InputError as error:
        raise _renamed(error) from None
    event.time = time or 0
    event.id = ""
    content = canonical(event)
    event.id = derived_id(content)
    return event, content_hash(event.id, content)


def _renamed(error: InputError) -> InputError:
    """Speak of `task_id`, as a runs file calls it."""
    if error.field != "task":
        return error
    message = str(error.args[0]).replace("task", "task_id", 1)
    return InputError(message, field="task_id", value=error.value, remedy=error.remedy)
