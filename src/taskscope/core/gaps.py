"""Gaps: what a sender says about facts that it could not keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from taskscope.core.clock import from_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskscope.core.events import Event
    from taskscope.core.intervals import Interval

GAP = "spool.gap"
_DROPPABLE = "extra"


class Gap(NamedTuple):
    """Facts that are missing, dropped between two instants, both included.

    `droppable` tells that they were heartbeats, progress and samples, and no facts about tasks.
    """

    dropped: int
    droppable: bool
    since: int
    until: int


def gap(event: Event) -> Gap:
    """Read a `spool.gap` fact; one that names no instants speaks of its own."""
    since, until = (
        event.time if data is None else from_text(data) for data in (event.data.get("since"), event.data.get("until"))
    )
    droppable = event.data.get("class") == _DROPPABLE
    return Gap(event.data["dropped"], droppable, min(since, until), max(since, until))


class Missing(NamedTuple):
    """What is missing in a window: facts about tasks, other facts, and from when to when."""

    tasks: int
    others: int
    since: int | None
    until: int | None


def missing(gaps: Iterable[Gap], window: Interval) -> Missing:
    """Sum up the gaps that touch a window.

    One that reaches beyond it counts whole: nobody knows where its facts lay.
    """
    touching = [one for one in gaps if one.since < window[1] and one.until >= window[0]]
    return Missing(
        sum(one.dropped for one in touching if not one.droppable),
        sum(one.dropped for one in touching if one.droppable),
        min((one.since for one in touching), default=None),
        max((one.until for one in touching), default=None),
    )
