"""Settling the plain tasks of a large batch together, in columns: see `taskscope.core.plain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taskscope.core import cell_columns, counter_columns, plain_columns
from taskscope.core.plain import NONE
from taskscope.ports import Settled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.core.events import Event
    from taskscope.ports import ColumnLedger, TaskKey


class Together:
    """The plain tasks of a batch, between their reading (before its facts are in the log) and their writing.

    Attributes
    ----------
    rest
        The facts of tasks that are not plain: they go the way of single tasks.
    """

    def __init__(self, ledger: ColumnLedger, events: Sequence[Event], now: int) -> None:
        """Read the tasks of a batch, and find those that are plain with its facts."""
        self._ledger = ledger
        self._now = now
        self._batch = ledger.plain(events)
        self._new = self._batch.rows.copy()
        odd = plain_columns.fold(self._new, self._batch.facts, self._batch.unnamed) | self._batch.odd
        self._chosen = np.flatnonzero(~odd)
        self.rest = [events[position] for position in np.flatnonzero(odd[self._batch.facts["task"]]).tolist()]

    def keys(self) -> set[TaskKey]:
        """Give the tasks that are settled here."""
        keys = self._batch.keys
        return {keys[place] for place in self._chosen.tolist()}

    def settle(self, mark: int) -> Settled:
        """Conclude what the facts mean at a mark, write the tasks, and let the cells follow."""
        batch, ledger, new = self._batch, self._ledger, self._new[self._chosen]
        if not len(new):
            return Settled([], {})
        open_ = new[(new["started"] != NONE) & (new["end"] == NONE)]
        limits = ledger.limits(np.unique(open_["job"]).tolist())
        lives = ledger.lives(np.unique(open_["boot"][open_["boot"] != NONE]).tolist())
        plain_columns.resolve(new, limits, lives, mark)
        old = batch.rows[self._chosen[batch.known[self._chosen]]]
        ledger.save_plain(batch, new, self._chosen)
        jobs, workers = cell_columns.changes(old, new)
        ledger.add_columns(jobs, workers, self._now)
        moved = self._chosen[batch.rows[self._chosen] != new]
        changed = [batch.keys[place] for place in moved.tolist()]
        return Settled(changed, ledger.of_series(counter_columns.changes(jobs)))
