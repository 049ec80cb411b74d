"""How many names a store may know: each job and each queue costs cells, and is a label of metrics.

Beyond the limit a fact that brings a new name is refused: names that vary from task to task (a date, a user, a file)
would otherwise make cells and metrics grow without end. Names of workers are not limited: they are no labels, and
fleets that grow and shrink name new ones for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from taskscope.core.events import Event

Key = tuple[str, str, str]
"""(kind, service, name)."""

MOST_NAMES = 10_000
"""How many jobs, and how many queues, a store knows at most."""


def keys(events: Sequence[Event]) -> set[Key]:
    """Give the limited names that facts bring."""
    found: set[Key] = set()
    for service, job, queue in {(event.service, event.job, event.queue) for event in events}:
        if job is not None:
            found.add(("job", service, job))
        if queue is not None:
            found.add(("queue", service, queue))
    for event in events:
        if event.task is None and "queues" in event.data:
            found.update(_queues(event))
    return found


def beyond(events: Sequence[Event], new: Collection[Key], counts: Mapping[str, int]) -> dict[int, str]:
    """Find the facts that bring a name too many, in the order in which they came.

    Parameters
    ----------
    new
        Those of their names that the store does not know.
    counts
        How many names of each kind it knows.

    Returns
    -------
    By position, why the fact is refused.
    """
    room = {kind: MOST_NAMES - counts.get(kind, 0) for kind in ("job", "queue")}
    taken: set[Key] = set()
    refused: dict[int, str] = {}
    for position, event in enumerate(events):
        brought = {key for key in keys([event]) if key in new and key not in taken}
        wanted = {kind: sum(key[0] == kind for key in brought) for kind in room}
        short = [kind for kind, count in wanted.items() if count > room[kind]]
        if short:
            names = sorted(name for kind, _, name in brought if kind == short[0])
            refused[position] = (
                f"{short[0]} {names[0]!r} is one name too many: a store knows {MOST_NAMES:,} of a kind; "
                "put what varies into data.labels"
            )
            continue
        taken |= brought
        for kind, count in wanted.items():
            room[kind] -= count
    return refused


def _queues(event: Event) -> set[Key]:
    return {("queue", event.service, queue) for queue in event.data["queues"] or ()}
