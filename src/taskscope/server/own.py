"""`GET /api/v1/self`: how this server and its store stand."""

from __future__ import annotations

import msgspec
from litestar import get

from taskscope import stats
from taskscope.core.clock import SECOND, to_text
from taskscope.server.context import GivenContext, GivenStore
from taskscope.stats.own import Own
from taskscope.stats.units import Instant


class WaitingSpool(msgspec.Struct):
    """What waits in the spool of the server's home: bytes, the age of the oldest, and records that were refused."""

    waiting_bytes: int
    oldest_s: float
    rejected: int


class Self(Own, kw_only=True):
    """The server that answers, and its store.

    `uptime_s` is how long this process has been up. `spool` is null where the server drains none. `swept_at` is how far
    the sweep has come, which infers what is over; `received_at` when the last fact came. `verify` is null until it ran.
    """

    version: str
    now: Instant
    started_at: Instant
    uptime_s: float
    spool: WaitingSpool | None


@get("/api/v1/self", sync_to_thread=True, operation_id="getSelf", summary="How this server and its store stand")
def get_self(store: GivenStore, context: GivenContext) -> Self:
    """Answer what is known, and null for what is not."""
    now = context.clock()
    waiting = None if context.spool is None else context.spool()
    return Self(
        **msgspec.structs.asdict(stats.own(store, now)),
        version=context.version,
        now=to_text(now),
        started_at=to_text(context.started),
        uptime_s=(now - context.started) / SECOND,
        spool=None if waiting is None else WaitingSpool(waiting.waiting, waiting.oldest_s, waiting.rejected),
    )
