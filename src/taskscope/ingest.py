"""Accepting facts: one code path for every source, one transaction for every batch.

A batch is sifted (what is known already, refused or new), appended to the log, and settled: the tasks, boots and jobs
that it is about are folded on, and the cells follow by the difference between what those tasks contributed before and
what they contribute now. All of it commits or none of it. The sweep is the same settling without facts: it moves the
mark, and tasks whose inferred outcome depends on it are seen anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from taskscope.core import counters, naming, presence, registry, task
from taskscope.core.clock import DAY, MINUTE, to_text
from taskscope.core.contributions import contributions
from taskscope.core.deltas import Deltas
from taskscope.core.presence import Boot, boot_key
from taskscope.core.runs import view
from taskscope.errors import StoreUndoneError
from taskscope.ports import ColumnLedger, Settled, TaskChange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskscope.core.events import Event
    from taskscope.core.presence import Life
    from taskscope.core.registry import Job
    from taskscope.ports import BootKey, Identity, Ledger, Name, Store, TaskKey
    from taskscope.together import Together

AHEAD_US = 10 * MINUTE
"""How far the clock of a sender may be ahead of ours."""

TOGETHER_FACTS = 100
"""From how many facts on it pays to lay them out in columns: a few milliseconds go by before the first."""
_SWEEP_CHUNK = 2000
_TRIES = 5

T = TypeVar("T")
Fact = tuple["Event", int]
"""A normalised event and its content hash."""


class Receipt(NamedTuple):
    """What became of a batch: counts, for each refused fact its position and the reason, and where duplicates stand."""

    accepted: int
    duplicates: int
    rejected: list[tuple[int, str]]
    repeated: Sequence[int] = ()


class Circumstances:
    """What the fate of runs depends on beside their own facts, looked up once a transaction."""

    def __init__(self, ledger: Ledger, mark: int) -> None:
        """Look things up in the ledger as they stand now."""
        self._ledger = ledger
        self.mark = mark
        self.lives: dict[tuple[str, str], Life | None] = {}
        self.limits: dict[Name, int | None] = {}

    def life(self, service: str, boot: str) -> Life | None:
        """Give the life of a boot, None for one that never sent a heartbeat."""
        key = (service, boot)
        if key not in self.lives:
            found = self._ledger.boots([(service, boot, "")])
            self.lives[key] = found[service, boot, ""].life() if found else None
        return self.lives[key]

    def limit(self, service: str, job: str) -> int | None:
        """Give the time limit that is registered for a job, microseconds."""
        key = (service, job)
        if key not in self.limits:
            found = self._ledger.jobs([key])
            self.limits[key] = registry.limit(found[key]) if found else None
        return self.limits[key]


def accept(store: Store, facts: Sequence[Fact], now: int, malformed: int = 0) -> Receipt:
    """Take a batch of facts into the store, in one transaction.

    Parameters
    ----------
    facts
        Normalised events with their content hashes.
    now
        The time of receipt, microseconds.
    malformed
        How many events of the batch were refused before they became facts: they are counted with the others.

    Returns
    -------
    What became of each; a repeated batch is all duplicates.
    """

    def take(ledger: Ledger) -> Receipt:
        fresh, receipt, refused = _sift(ledger, facts, now)
        fresh, receipt = _within_names(ledger, facts, fresh, receipt, refused)
        if malformed:
            refused["malformed"] = malformed
        if refused:
            ledger.count(refused)
        ledger.received(receipt.accepted, receipt.duplicates)
        if fresh:
            _settle(ledger, fresh, now)
        return receipt

    return _in_one_transaction(store, take)


def sweep(store: Store, now: int) -> int:
    """Move the mark to `now`, and see anew the runs whose inferred outcome depends on it.

    Any number of servers may do so at any moment: the mark is the greatest `now` of them all, and what is shown is a
    function of the facts and the mark.

    Returns
    -------
    How many tasks were seen anew.
    """

    def pass_on(ledger: Ledger) -> int:
        seen = 0
        changed: list[TaskKey] = []
        before = Circumstances(ledger, ledger.mark())
        if now <= before.mark:
            return 0
        ledger.move_mark(now)
        after = Circumstances(ledger, now)
        while keys := ledger.due(now, _SWEEP_CHUNK):
            folds = ledger.tasks(keys)
            settled = _refold(ledger, folds, {}, before, after, now)
            ledger.tally(settled.counted)
            changed += settled.changed
            seen += len(keys)
        if changed:
            ledger.log_change(changed)
        return seen

    return _in_one_transaction(store, pass_on)


def _in_one_transaction(store: Store, work: Callable[[Ledger], T]) -> T:
    """Work in a transaction, and once more from the beginning when the store undid it."""
    for _ in range(_TRIES - 1):
        with suppress(StoreUndoneError), store.ledger() as ledger:
            return work(ledger)
    with store.ledger() as ledger:
        return work(ledger)


def _sift(ledger: Ledger, facts: Sequence[Fact], now: int) -> tuple[list[Fact], Receipt, Counter[str]]:
    """Tell new facts from repeated ones and from those that can't be taken."""
    identities = [(event.id, event.time) for event, _ in facts]
    known = ledger.known(identities)
    beyond = _older_than_retention(ledger, facts, known)
    latest = now + AHEAD_US
    alike = len({name for name, _ in identities}) < len(facts)
    if not (known or beyond or alike) and max([time for _, time in identities], default=0) <= latest:
        return list(facts), Receipt(len(facts), 0, []), Counter()  # the usual batch
    fresh: list[Fact] = []
    rejected: list[tuple[int, str]] = []
    repeated: list[int] = []
    refused: Counter[str] = Counter()
    for index, (event, content) in enumerate(facts):
        identity: Identity = (event.id, event.time)
        if identity in known:
            if known[identity] == content:
                repeated.append(index)
                continue
            refused["conflict"] += 1
            rejected.append(
                (index, f"id {event.id} at {to_text(event.time)} is known with other content: the first stands")
            )
        elif event.time > latest:
            refused["future"] += 1
            rejected.append(
                (index, f"time {to_text(event.time)} is more than 10 minutes ahead: set the sender's clock")
            )
        elif index in beyond:
            refused["retention"] += 1
            rejected.append((index, f"older than retention: task {event.task} of {to_text(event.time)} was dropped"))
        else:
            known[identity] = content
            fresh.append((event, content))
    return fresh, Receipt(len(fresh), len(repeated), rejected, repeated), refused


def _within_names(
    ledger: Ledger, facts: Sequence[Fact], fresh: list[Fact], receipt: Receipt, refused: Counter[str]
) -> tuple[list[Fact], Receipt]:
    """Refuse the new facts that would bring the store a name too many."""
    new = ledger.unnamed(naming.keys([event for event, _ in fresh]))
    beyond = naming.beyond([event for event, _ in fresh], new, ledger.name_counts()) if new else {}
    if not beyond:
        return fresh, receipt
    why = {fresh[position][0].key: reason for position, reason in beyond.items()}
    left_out = [(index, why[event.key]) for index, (event, _) in enumerate(facts) if event.key in why]
    known = {index for index, _ in receipt.rejected}
    rejected = [(index, reason) for index, reason in left_out if index not in known]
    refused["names"] = len(rejected)
    kept = [fact for position, fact in enumerate(fresh) if position not in beyond]
    repeated = [index for index in receipt.repeated if facts[index][0].key not in why]
    return kept, Receipt(len(kept), len(repeated), sorted([*receipt.rejected, *rejected]), repeated)


def _older_than_retention(ledger: Ledger, facts: Sequence[Fact], known: dict[Identity, int]) -> set[int]:
    """Find the facts of unknown tasks in sealed days: they can't be told from facts that were counted and dropped."""
    sealed = ledger.sealed({(event.service, event.time // DAY * DAY) for event, _ in facts})
    if not sealed:
        return set()
    suspects = [
        (index, event)
        for index, (event, _) in enumerate(facts)
        if event.task is not None and (event.id, event.time) not in known
    ]
    stored = ledger.tasks({(event.service, event.task or "") for _, event in suspects}).keys()
    begun = {
        (event.service, event.task) for _, event in suspects if (event.service, event.time // DAY * DAY) not in sealed
    }
    return {
        index
        for index, event in suspects
        if (event.service, event.time // DAY * DAY) in sealed
        and (event.service, event.task) not in stored
        and (event.service, event.task) not in begun
    }


def _settle(ledger: Ledger, facts: Sequence[Fact], now: int) -> None:
    """Append new facts, fold them into what they are about, and let the cells follow."""
    of_tasks: defaultdict[TaskKey, list[Event]] = defaultdict(list)
    of_boots: defaultdict[BootKey, list[Event]] = defaultdict(list)
    of_jobs: defaultdict[Name, list[Event]] = defaultdict(list)
    together = _lay_together(ledger, [event for event, _ in facts if event.task is not None], now)
    for event in together.rest:
        of_tasks[event.service, event.task or ""].append(event)
    for event, _ in facts:
        if event.task is None:
            if event.type.startswith("worker."):
                of_boots[boot_key(event)].append(event)
            elif event.type == "job.registered":
                of_jobs[event.service, event.job or ""].append(event)
    folds = ledger.tasks(of_tasks)
    ledger.append(facts, now)
    before, after = Circumstances(ledger, ledger.mark()), Circumstances(ledger, ledger.mark())
    boots = _fold_boots(ledger, of_boots, before, after)
    jobs = _fold_jobs(ledger, of_jobs, before, after)
    if boots or jobs:
        folds |= ledger.tasks(ledger.unended(boots, jobs) - folds.keys() - together.keys())
    settled = together.settle(after.mark)
    singly = _refold(ledger, folds, of_tasks, before, after, now)
    ledger.tally(counters.added(settled.counted, singly.counted))
    ledger.log_change(settled.changed + singly.changed)


class _Alone:
    """Stands for no tasks together, where a batch is small or a store does not take them so."""

    def __init__(self, rest: Sequence[Event]) -> None:
        self.rest = rest

    def keys(self) -> set[TaskKey]:
        return set()

    def settle(self, mark: int) -> Settled:
        """Do nothing."""
        del mark
        return Settled([], {})


def _lay_together(ledger: Ledger, events: Sequence[Event], now: int) -> _Alone | Together:
    """Take the plain tasks out of a large batch, to be settled in columns; the facts of others are its rest."""
    if len(events) < TOGETHER_FACTS or not isinstance(ledger, ColumnLedger):
        return _Alone(events)
    from taskscope.together import Together  # noqa: PLC0415 - only large batches need NumPy

    return Together(ledger, events, now)


def _fold_boots(
    ledger: Ledger, events: dict[BootKey, list[Event]], before: Circumstances, after: Circumstances
) -> set[BootKey]:
    """Fold worker facts; give the boots by which lost runs are judged otherwise now."""
    if not events:
        return set()
    boots: dict[BootKey, Boot] = ledger.boots(events)
    changed: set[BootKey] = set()
    for key, facts in events.items():
        boot = boots.setdefault(key, Boot())
        old = boot.life()
        presence.absorb(boot, facts)
        if key[1]:
            before.lives[key[:2]], after.lives[key[:2]] = old, boot.life()
            if old != boot.life():
                changed.add(key)
    ledger.save_boots(boots)
    return changed


def _fold_jobs(
    ledger: Ledger, events: dict[Name, list[Event]], before: Circumstances, after: Circumstances
) -> set[Name]:
    """Fold registrations; give the jobs whose limit changed."""
    if not events:
        return set()
    jobs: dict[Name, Job] = ledger.jobs(events)
    changed: set[Name] = set()
    for key, facts in events.items():
        job = jobs.setdefault(key, {})
        old = registry.limit(job)
        registry.absorb(job, facts)
        before.limits[key], after.limits[key] = old, registry.limit(job)
        if old != registry.limit(job):
            changed.add(key)
    ledger.save_jobs(jobs)
    return changed


def _refold(
    ledger: Ledger,
    folds: dict[TaskKey, task.Task],
    events: dict[TaskKey, list[Event]],
    before: Circumstances,
    after: Circumstances,
    now: int,
) -> Settled:
    """See tasks anew: add their new facts, write them, and move the cells by what changed."""
    changes: list[TaskChange] = []
    deltas = Deltas()
    for key in folds.keys() | events.keys():
        fold = folds.get(key)
        old = None if fold is None else view(key[0], fold, before)
        fold = {} if fold is None else fold
        for event in events.get(key, ()):
            task.absorb(fold, event)
        new = view(key[0], fold, after)
        deltas.replace(contributions(old) if old else [], contributions(new))
        changes.append(TaskChange(key, fold, old, new))
    ledger.save_tasks(changes)
    jobs, workers = deltas.roll_up()
    ledger.add(jobs, workers, now)
    return Settled([change.key for change in changes if change.old != change.new], counters.changes(jobs))
