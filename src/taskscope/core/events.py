"""A fact: one immutable event, its identity and its canonical content."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import msgspec

TASK_TYPES = (
    "task.submitted",
    "task.started",
    "task.progress",
    "task.output",
    "task.retrying",
    "task.succeeded",
    "task.failed",
    "task.timed_out",
    "task.cancelled",
    "task.lost",
)
WORKER_TYPES = ("worker.online", "worker.heartbeat", "worker.offline")
OTHER_TYPES = ("resource.sampled", "job.registered", "spool.gap")
EVENT_TYPES = TASK_TYPES + WORKER_TYPES + OTHER_TYPES

_canonical = msgspec.json.Encoder(order="deterministic")
_signed = struct.Struct(">q")


class Event(msgspec.Struct, gc=False):
    """One fact, normalised: equal facts have equal fields, whatever spelling they arrived in.

    Attributes
    ----------
    id
        Unique together with `time`.
    type
        One of `EVENT_TYPES`.
    time
        Microseconds since 1970, UTC.
    duration
        Run time by the worker's monotonic clock, microseconds, or None.
    data
        The free object of the sender, with known keys in their normal form.
    """

    id: str
    type: str
    time: int
    service: str
    task: str | None
    attempt: int
    run: str | None
    job: str | None
    queue: str | None
    worker: str | None
    boot: str | None
    duration: int | None
    data: dict[str, Any]

    @property
    def key(self) -> tuple[int, str]:
        """The order in which facts outrank each other: the later, then the greater id."""
        return self.time, self.id


def canonical(event: Event) -> bytes:
    """Give the content of a fact without its id, the same bytes for the same content.

    Raises
    ------
    OverflowError
        `data` holds an integer beyond 64 bits.
    """
    e = event
    return _canonical.encode(
        (e.type, e.time, e.service, e.task, e.attempt, e.run, e.job, e.queue, e.worker, e.boot, e.duration, e.data)
    )


def content_hash(name: str, content: bytes) -> int:
    """Shorten the id and the canonical content to a signed 64-bit number: facts with one identity must agree in it."""
    number: int
    [number] = _signed.unpack(hashlib.blake2b(content + name.encode(), digest_size=8).digest())
    return number


def derived_id(content: bytes) -> str:
    """Name a fact that came without an id after its content, as a UUID of version 8: sent again, it is the same."""
    digest = bytearray(hashlib.blake2b(content, digest_size=16).digest())
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    h = digest.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
