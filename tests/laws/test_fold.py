"""The laws of the folds: order, repetition and grouping mean nothing, and contributions follow by their difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from taskscope.core import presence, registry, task
from taskscope.core.contributions import contributions
from taskscope.core.deltas import Deltas
from taskscope.core.intervals import WIDTHS, gather
from taskscope.core.presence import Life, boot_key
from taskscope.core.runs import View, view
from tests.laws.strategies import facts, marks

if TYPE_CHECKING:
    from random import Random

    from taskscope.core.events import Event

randoms = st.randoms(use_true_random=False)


class Known:
    """The circumstances that some facts make."""

    def __init__(self, events: list[Event], mark: int) -> None:
        """Fold the facts about boots and jobs."""
        self.mark = mark
        self._events = events

    def life(self, service: str, boot: str) -> Life | None:
        """Give what the heartbeats of a boot say."""
        own = [e for e in self._events if e.type.startswith("worker.") and boot_key(e) == (service, boot, "")]
        return presence.fold(own).life()

    def limit(self, service: str, job: str) -> int | None:
        """Give what the registrations of a job say."""
        own = [e for e in self._events if e.type == "job.registered" and (e.service, e.job) == (service, job)]
        return registry.limit(registry.fold(own))


def of_tasks(events: list[Event]) -> dict[tuple[str, str], list[Event]]:
    """Sort facts by the task that they are about."""
    found: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event.task is not None:
            found.setdefault((event.service, event.task), []).append(event)
    return found


def disturbed(events: list[Event], random: Random) -> list[Event]:
    """Repeat some facts and shuffle them all."""
    mixed = events + random.choices(events, k=5)
    random.shuffle(mixed)
    return mixed


@settings(deadline=None)
@given(facts, randoms)
def test_no_fold_depends_on_order_or_repetition(events: list[Event], random: Random) -> None:
    mixed = disturbed(events, random)
    for key, own in of_tasks(events).items():
        assert task.pack(task.fold(own)) == task.pack(task.fold(of_tasks(mixed)[key]))
    workers = [e for e in events if e.type.startswith("worker.")]
    again = [e for e in mixed if e.type.startswith("worker.")]
    for boot in {boot_key(e) for e in workers}:
        own, theirs = ([e for e in some if boot_key(e) == boot] for some in (workers, again))
        assert presence.pack(presence.fold(own)) == presence.pack(presence.fold(theirs))
    registered, again = ([e for e in some if e.type == "job.registered"] for some in (events, mixed))
    assert registry.pack(registry.fold(registered)) == registry.pack(registry.fold(again))


@settings(deadline=None)
@given(facts, randoms)
def test_folds_of_any_parts_join_to_the_fold_of_the_whole(events: list[Event], random: Random) -> None:
    for own in of_tasks(events).values():
        cut, again = random.randrange(len(own) + 1), random.randrange(len(own) + 1)
        left, right = task.fold(own[: max(cut, again)]), task.fold(own[min(cut, again) :])
        other = task.unpack(task.pack(right))
        task.join(other, left)
        task.join(left, right)
        whole = task.pack(task.fold(own))
        assert task.pack(left) == whole
        assert task.pack(other) == whole
        task.join(left, task.unpack(whole))
        assert task.pack(left) == whole


@settings(deadline=None)
@given(facts, randoms, st.lists(marks, min_size=1, max_size=4))
def test_differences_of_contributions_add_up_to_the_contributions_of_the_whole(
    events: list[Event], random: Random, sweeps: list[int]
) -> None:
    mixed = disturbed(events, random)
    gradually, mark = Deltas(), 0
    seen: dict[tuple[str, str], View] = {}
    known: list[Event] = []
    steps = [[event] for event in mixed] + [[] for _ in sweeps]
    random.shuffle(steps)
    for step in steps:
        known += step
        if not step:
            mark = max(mark, sweeps[0])
            sweeps = [*sweeps[1:], sweeps[0]]
        context = Known(known, mark)
        for key, own in of_tasks(known).items():
            now = view(key[0], task.fold(own), context)
            before = seen.get(key)
            gradually.replace(contributions(before) if before else [], contributions(now))
            seen[key] = now
    at_once = Deltas()
    for key, own in of_tasks(events).items():
        at_once.replace([], contributions(view(key[0], task.fold(own), Known(events, mark))))
    assert gradually.roll_up() == at_once.roll_up()


@settings(deadline=None)
@given(facts, marks)
def test_busy_time_is_conserved_in_every_granularity(events: list[Event], mark: int) -> None:
    deltas = Deltas()
    busy = []
    for key, own in of_tasks(events).items():
        seen = view(key[0], task.fold(own), Known(events, mark))
        deltas.replace([], contributions(seen))
        busy += [run.busy for run in seen.runs if run.busy is not None]
    rows: dict[tuple[int, int], tuple[int, int]] = {}
    for (granularity, start, *_), (partial, level, *_) in deltas.roll_up()[1].items():
        known = rows.get((granularity, start), (0, 0))
        rows[granularity, start] = (known[0] + partial, known[1] + level)
    total = sum(end - start for start, end in busy)
    low, high = min((s for s, _ in busy), default=0), max((e for _, e in busy), default=0)
    for granularity in (0, 1, 2):
        if (high - low) // WIDTHS[granularity] > 300_000:
            continue
        window = (low // WIDTHS[2] * WIDTHS[2], high // WIDTHS[2] * WIDTHS[2] + WIDTHS[2])
        assert sum(gather(rows, granularity, window).values()) == total
