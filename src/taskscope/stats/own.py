"""How Taskscope itself stands: what it took and refused, how far it has come, and what it knows to be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from taskscope.core.clock import ms, to_text
from taskscope.ports import Filter
from taskscope.stats.exported import DIFFERENCES, VERIFIED
from taskscope.stats.gaps import gaps
from taskscope.stats.units import Instant, Milliseconds

if TYPE_CHECKING:
    from taskscope.ports import Store


class Taken(msgspec.Struct):
    """Facts since the store was made: taken, known already, and refused by reason."""

    accepted: int
    duplicates: int
    refused: dict[str, int]


class Names(msgspec.Struct):
    """How many different names the store knows."""

    jobs: int
    queues: int
    workers: int


class Gaps(msgspec.Struct):
    """How many facts senders say that they dropped: figures over such a gap are lower bounds."""

    task_facts: int
    other_facts: int
    since: Instant | None
    until: Instant | None


class Verdict(msgspec.Struct):
    """What `taskscope verify` found when it last ran."""

    at: Instant
    differences: int


class Own(msgspec.Struct, kw_only=True):
    """What the store says of itself.

    `swept_at` is how far the sweep has come, which infers what is over, and `sweep_lag_ms` how long ago that was; both
    are null before the first. `received_at` is when the last fact came. `verify` is null until it has run.
    """

    facts: Taken
    names: Names
    gaps: Gaps
    size_bytes: int
    received_at: Instant | None
    swept_at: Instant | None
    sweep_lag_ms: Milliseconds | None
    verify: Verdict | None


def own(store: Store, now: int) -> Own:
    """Answer how Taskscope stands."""
    with store.questions() as q:
        notes, names, received = q.notes(), q.name_counts(), q.received()
        missing, size = gaps(q, Filter(), None, None), q.size_bytes()
    mark, verified = notes.get("mark") or None, notes.get(VERIFIED)
    return Own(
        facts=Taken(
            accepted=notes.get("facts.accepted", 0),
            duplicates=notes.get("facts.duplicates", 0),
            refused={key[8:]: count for key, count in sorted(notes.items()) if key.startswith("refused.")},
        ),
        names=Names(names.get("job", 0), names.get("queue", 0), names.get("worker", 0)),
        gaps=msgspec.convert(missing, Gaps),
        size_bytes=size,
        received_at=None if received is None else to_text(received),
        swept_at=None if mark is None else to_text(mark),
        sweep_lag_ms=None if mark is None else ms(now - mark),
        verify=None if verified is None else Verdict(to_text(verified), notes.get(DIFFERENCES, 0)),
    )
