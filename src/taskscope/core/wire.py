"""A fact as it stands on the wire: the shape that is decoded, and the form that is written."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from taskscope.core.clock import to_text
from taskscope.core.refusal import NAME_LIMIT

if TYPE_CHECKING:
    from taskscope.core.events import Event

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LIMIT)]


class Wire(msgspec.Struct, gc=False):
    """A fact as it is sent; fields that are null count as missing, others are ignored."""

    type: str | None = None
    time: datetime | int | float | None = None
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
    duration_ms: int | float | None = None
    data: dict[str, Any] | None = None


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
