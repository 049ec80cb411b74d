"""The fold of a job's `job.registered` facts: per field the value of the greatest (time, id) stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from taskscope.core.clock import from_ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskscope.core.events import Event

FIELDS = (
    "job_name",
    "owner",
    "category",
    "description",
    "schedule",
    "timeout_ms",
    "enabled",
    "paused",
    "next_run",
)

Job = dict[str, tuple[int, str, Any]]
"""A registered job: each field with the time and id of the fact that set it."""


def absorb(job: Job, events: Iterable[Event]) -> None:
    """Add `job.registered` facts of this job to its fold, in place."""
    for event in events:
        for field in FIELDS:
            if field not in event.data:
                continue
            known = job.get(field)
            if known is None or known[:2] < event.key:
                job[field] = (event.time, event.id, event.data[field])


def fold(events: Iterable[Event], base: Job | None = None) -> Job:
    """Fold facts of one job onto a base; the base is left as it is."""
    job: Job = dict(base or {})
    absorb(job, events)
    return job


def limit(job: Job) -> int | None:
    """Give the time limit of the job's runs, microseconds."""
    registered = job.get("timeout_ms")
    return None if registered is None or registered[2] is None else from_ms(registered[2])


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder: msgspec.msgpack.Decoder[Job] = msgspec.msgpack.Decoder(Job)


def pack(job: Job) -> bytes:
    """Write a fold as bytes: equal folds give equal bytes."""
    return _encoder.encode(job)


def unpack(packed: bytes) -> Job:
    """Read what `pack` wrote."""
    return _decoder.decode(packed)
