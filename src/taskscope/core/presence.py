"""The fold of a boot: one start of one worker, when it was there, and how long after its last sign it counts as lost.

A heartbeat covers `[t, t + ttl)`; presence is the union, cut at the earliest `worker.offline`. The cut is made when
the fold is read, so that neither order nor lateness matters. `worker.online` alone covers nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from taskscope.core.clock import from_ms
from taskscope.core.intervals import Interval, union
from taskscope.core.task import Named, Number, greater

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskscope.core.events import Event

DEFAULT_TTL_US = 30_000_000
AGENT = "agent"
"""The role of a boot that ships facts and runs no tasks."""


class Life(NamedTuple):
    """What lost runs are judged by: the newest heartbeat of their boot and how long one is good for."""

    heartbeat: int
    ttl: int


class Boot(msgspec.Struct, array_like=True, gc=False):
    """What the facts of one boot say.

    Attributes
    ----------
    covered
        The union of its heartbeats' intervals, disjoint and in order.
    heartbeat
        The newest heartbeat, with its ttl.
    offline
        The earliest time at which it said goodbye.
    """

    worker: Named | None = None
    covered: list[Interval] = []
    heartbeat: Number | None = None
    offline: int | None = None
    role: Named | None = None
    concurrency: Number | None = None
    queues: tuple[int, str, list[str]] | None = None
    host: Named | None = None
    pid: Number | None = None
    pool: Named | None = None

    def life(self) -> Life | None:
        """Give what lost runs are judged by; None without a heartbeat, when no run of this boot can be lost."""
        return None if self.heartbeat is None else Life(self.heartbeat[0], self.heartbeat[2])

    def serves(self) -> list[str]:
        """Give the queues that it says it serves, by name."""
        return self.queues[2] if self.queues else []

    def spans(self, *, cut: bool = True) -> list[Interval]:
        """Give the spans in which it was there as a worker; without an identity of the boot, offline cuts nothing.

        An agent never is: counted as an idle worker, it would lower the utilisation of those that can take tasks.
        """
        if self.role is not None and self.role[2] == AGENT:
            return []
        if self.offline is None or not cut:
            return list(self.covered)
        return [(start, min(end, self.offline)) for start, end in self.covered if start < self.offline]


def boot_key(event: Event) -> tuple[str, str, str]:
    """Name the boot of a worker fact, as (service, boot, worker): the worker stands for a boot without an id."""
    return event.service, event.boot or "", "" if event.boot else event.worker or ""


def absorb(boot: Boot, events: Iterable[Event]) -> None:
    """Add `worker.*` facts of this boot to its fold, in place."""
    intervals: list[Interval] = []
    for event in events:
        time, name, data = event.time, event.id, event.data
        if event.worker is not None:
            boot.worker = greater(boot.worker, (time, name, event.worker))
        if event.type == "worker.heartbeat":
            ttl = from_ms(data["ttl_ms"]) if "ttl_ms" in data else DEFAULT_TTL_US
            intervals.append((time, time + ttl))
            boot.heartbeat = greater(boot.heartbeat, (time, name, ttl))
        elif event.type == "worker.offline":
            boot.offline = time if boot.offline is None else min(boot.offline, time)
        if (role := data.get("role")) is not None:
            boot.role = greater(boot.role, (time, name, role))
        if (concurrency := data.get("concurrency")) is not None:
            boot.concurrency = greater(boot.concurrency, (time, name, concurrency))
        if (queues := data.get("queues")) is not None:
            boot.queues = greater(boot.queues, (time, name, sorted(set(queues))))
        _absorb_place(boot, event)
    if intervals:
        boot.covered = union([*boot.covered, *intervals])


def _absorb_place(boot: Boot, event: Event) -> None:
    """Add where the worker runs. Nobody checks these keys on their way in: what has another type says nothing."""
    time, name, data = event.time, event.id, event.data
    if isinstance(host := data.get("host"), str):
        boot.host = greater(boot.host, (time, name, host))
    if isinstance(pid := data.get("pid"), int) and not isinstance(pid, bool) and 0 <= pid < 1 << 63:
        boot.pid = greater(boot.pid, (time, name, pid))
    if isinstance(pool := data.get("pool"), str):
        boot.pool = greater(boot.pool, (time, name, pool))


def fold(events: Iterable[Event], base: Boot | None = None) -> Boot:
    """Fold facts of one boot onto a base; the base is left as it is."""
    boot = unpack(pack(base)) if base else Boot()
    absorb(boot, events)
    return boot


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Boot] = msgspec.msgpack.Decoder(Boot)


def pack(boot: Boot) -> bytes:
    """Write a fold as bytes: equal folds give equal bytes."""
    return _encoder.encode(boot)


def unpack(packed: bytes) -> Boot:
    """Read what `pack` wrote."""
    return _decoder.decode(packed)
