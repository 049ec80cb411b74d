"""Forgetting without lying: what is dropped stays counted, and can't be counted again.

Facts go by their time of receipt, so old history that is imported today stays. Before they go, a task that is open,
or that holds one of the newest runs of its job, keeps its fold as its base. Every other task adds what it contributes
to the sealed cells, seals the days of its facts, and goes with them. A fact of an unknown task in a sealed day is
refused from then on: nobody could tell it from one that was counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope.core.contributions import contributions
from taskscope.core.deltas import Deltas
from taskscope.core.keeping import is_open
from taskscope.core.runs import view
from taskscope.ingest import Circumstances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.ports import Archive, Keep, Store, TaskKey

_CHUNK = 2000


def retain(store: Store, now: int, keep: Keep) -> dict[str, int]:
    """Forget what is older than it is kept for, a bounded number of tasks a transaction.

    Returns
    -------
    How many tasks were dropped and how many kept a base, how many other facts went, how many days lost fine cells.
    """
    done = {"dropped": 0, "based": 0, "facts": 0, "coarsened": 0}
    with store.archive() as archive:
        bound = archive.bound(now - keep.events_us)
        held = archive.newest(keep.runs)
    more = True
    while more:
        with store.archive() as archive:
            keys = archive.aged(bound, _CHUNK)
            _forget(archive, keys, held, bound, done)
            more = bool(keys)
    with store.archive() as archive:
        bare = [key for key in archive.bare() if key not in held]
    for position in range(0, len(bare), _CHUNK):
        with store.archive() as archive:
            _forget(archive, bare[position : position + _CHUNK], held, bound, done)
    with store.archive() as archive:
        done["facts"] = archive.rebase_others(bound)
        done["coarsened"] = archive.coarsen(now - keep.minutes_us, now - keep.hours_us)
        archive.forget_presence(now - keep.hours_us)
    return done


def _forget(archive: Archive, keys: Sequence[TaskKey], held: set[TaskKey], bound: int, done: dict[str, int]) -> None:
    """Drop the facts of these tasks that are older than the bound: with the task, or into its base."""
    ledger = archive.ledger
    context = Circumstances(ledger, ledger.mark())
    views = {key: view(key[0], fold, context) for key, fold in ledger.tasks(keys).items()}
    fresh = archive.fresh(keys, bound)
    kept = [key for key, seen in views.items() if key in held or key in fresh or is_open(seen)]
    gone = {key: seen for key, seen in views.items() if key not in set(kept)}
    deltas = Deltas()
    for seen in gone.values():
        deltas.replace([], contributions(seen))
    archive.add_sealed(*deltas.roll_up())
    archive.seal(gone)
    archive.rebase(kept, bound)
    if gone:
        ledger.log_change(None)
    done["dropped"] += len(gone)
    done["based"] += len(kept)
