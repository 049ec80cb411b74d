"""Plain tasks, thousands at once: the same fold and the same resolution as of any task, in columns.

1. `lay_out` makes a table of facts, and a store a table of their tasks: a `Batch`.
2. `fold` lays facts over tasks and says which of them are not plain any more.
3. `resolve` concludes from each row what `taskscope.core.runs.view` concludes from a fold.

Both must give what those modules give: that is a law, and it is tested as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from taskscope.core import lifecycle
from taskscope.core.plain import END_TYPES, FIRST_END, HISTORY, KINDS, NONE, ODD, STARTED, SUBMITTED, limit_of_fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from taskscope.core.events import Event
    from taskscope.core.presence import Life

_NEVER = np.iinfo(np.int64).max

_PENDING, _PROCESSING, _FAILED = (
    lifecycle.STATES.index(state) for state in (lifecycle.PENDING, lifecycle.PROCESSING, lifecycle.FAILED)
)
_STATE_AFTER = np.array([lifecycle.STATES.index(lifecycle.STATE_AFTER[kind]) for kind in END_TYPES])
_CANCELLED, _TIMED_OUT, _LOST = (
    lifecycle.OUTCOMES.index(name) for name in (lifecycle.CANCELLED, lifecycle.TIMED_OUT, lifecycle.LOST)
)

Columns = npt.NDArray[Any]
"""A table: a structured array of `FACT` or `ROW`, or some of its rows."""
Ints = npt.NDArray[np.int64]

_FACT = ("task", "kind", "time", "job", "queue", "worker", "boot", "run", "duration", "limit")
FACT = np.dtype([(name, np.int64) for name in _FACT])
"""Facts of tasks: `task` is the position of the task in the table of rows, `kind` one of `KINDS` or `ODD`. Names, runs
and boots are numbers that only serve to be compared; `NONE` where the fact gives none."""

_STATED = ("job", "queue", "worker", "boot", "run", "submitted", "started", "end", "finished", "duration", "proof")
_RESOLVED = ("waiting", "anchor", "wait", "skewed", "outcome", "inferred", "recheck", "state", "cancelled", "first")
ROW = np.dtype([(name, np.int64) for name in (*_STATED, "limit", *_RESOLVED)])
"""Plain tasks, each with its only row, see `taskscope.core.runs.Run`. `end` numbers the observed end in `END_TYPES`,
`outcome` the outcome in `OUTCOMES`, `state` the state in `STATES`. A name that no fact gives is the number of the
empty name of its service."""


Triple = tuple[int | None, int | None, int | None]
"""The numbers of a job, a queue and a worker; None where there is no name."""


class Batch:
    """Facts of tasks in columns, beside the tasks as they stand.

    Attributes
    ----------
    keys
        The tasks, (service, task) each, by their position.
    facts
        A table of the facts.
    rows
        A table of the tasks as they are stored. Of new ones all is `NONE` but their names.
    known
        Which of the tasks are known and plain.
    odd
        Which of the tasks are known and not plain: their rows mean nothing.
    unnamed
        The numbers of empty names.
    """

    def __init__(self, keys: list[tuple[str, str]]) -> None:
        """Begin without facts, as if all tasks were new."""
        self.keys = keys
        self.facts = np.empty(0, FACT)
        self.rows = np.full(len(keys), NONE, np.int64).astype(ROW)
        self.known = np.zeros(len(keys), np.bool_)
        self.odd = np.zeros(len(keys), np.bool_)
        self.unnamed = np.empty(0, np.int64)


def lay_out(
    events: Sequence[Event], places: Sequence[int], names: Iterable[Triple], boots: Sequence[int], runs: Sequence[int]
) -> Columns:
    """Make a table of facts about tasks.

    Parameters
    ----------
    places
        The position of each fact's task.
    names, boots, runs
        The numbers that each fact gives: of its job, queue and worker (None for none), of its boot and of its run.
    """
    facts = np.empty(len(events), FACT)
    facts["task"], facts["boot"], facts["run"] = places, boots, runs
    facts["time"] = [event.time for event in events]
    facts["duration"] = [NONE if event.duration is None else event.duration for event in events]
    for column, numbers in zip(("job", "queue", "worker"), zip(*names, strict=True), strict=True):
        facts[column] = [NONE if number is None else number for number in numbers]
    facts["kind"] = [KINDS.get(event.type, ODD) if event.attempt == 1 else ODD for event in events]
    facts["limit"] = NONE
    for position, event in enumerate(events):
        if event.data:
            limit = limit_of_fact(event)
            facts[position]["kind" if limit is None else "limit"] = ODD if limit is None else limit
    return facts


def fold(rows: Columns, facts: Columns, unnamed: Ints) -> npt.NDArray[np.bool_]:
    """Lay facts over the rows of their tasks, in place; what follows from them is left to `resolve`.

    Parameters
    ----------
    rows
        Plain tasks; of a new one all is `NONE` but its names, which are those of `unnamed`.
    facts
        New facts of these tasks, in any order.
    unnamed
        The numbers of empty names.

    Returns
    -------
    For each task whether it is odd now: then its row means nothing.
    """
    odd = np.zeros(len(rows), np.bool_)
    odd[facts["task"][facts["kind"] == ODD]] = True
    waiting = (rows["started"] == NONE) & (rows["end"] == NONE)
    rows["proof"][waiting] = NONE
    inferred = rows["end"] == NONE
    rows["finished"][inferred] = rows["duration"][inferred] = NONE
    submitting, running = facts[facts["kind"] == SUBMITTED], facts[facts["kind"] > SUBMITTED]
    starting, ending = running[running["kind"] == STARTED], running[running["kind"] >= FIRST_END]
    for column, source in (("submitted", submitting), ("started", starting), ("finished", ending)):
        odd |= np.bincount(source["task"], minlength=len(rows)) + (rows[column] != NONE) > 1
        rows[column][source["task"]] = source["time"]
    rows["end"][ending["task"]] = ending["kind"] - FIRST_END
    rows["duration"][ending["task"]] = ending["duration"]
    np.maximum.at(rows["proof"], running["task"], running["time"])
    for column in ("job", "queue"):
        _agree(rows, facts, column, unnamed, odd)
    for column, free in (("worker", unnamed), ("boot", _FREE), ("run", _FREE)):
        _agree(rows, running, column, free, odd)
    history = running["task"][running["limit"] == HISTORY]
    rows["limit"][history] = HISTORY
    limited = facts[(facts["limit"] >= 0) & (rows["limit"][facts["task"]] != HISTORY)]
    _agree(rows, limited, "limit", _FREE, odd)
    return odd


_FREE = np.array([NONE])


def _agree(rows: Columns, facts: Columns, column: str, free: Ints, odd: npt.NDArray[np.bool_]) -> None:
    """Fill a column with what facts give where it is free; a fact that gives another value makes its task odd."""
    giving = facts[facts[column] != NONE]
    place, given, known = giving["task"], giving[column], rows[column]
    unknown = np.isin(known[place], free)
    known[place[unknown]] = given[unknown]
    odd[place[known[place] != given]] = True


def resolve(rows: Columns, limits: Mapping[int, int], lives: Mapping[int, Life], mark: int) -> None:
    """Conclude from what the facts of plain tasks state, in place.

    Parameters
    ----------
    limits, lives
        The registered limits of jobs and the lives of boots, by number; whatever is missing has none.
    mark
        How far the sweep has come.
    """
    submitted, started, finished, duration = (rows[name] for name in ("submitted", "started", "finished", "duration"))
    ended, has_start, has_submission = rows["end"] != NONE, started != NONE, submitted != NONE
    begun = ended | has_start
    derived = ended & has_start & (duration == NONE)
    duration[derived] = np.maximum(0, finished - started)[derived]
    rows["waiting"] = ~begun
    rows["proof"] = np.where(begun, rows["proof"], submitted)
    at_end = finished - np.maximum(duration, 0)
    rows["anchor"] = np.where(has_start, started, np.where(ended, at_end, submitted))
    waited = has_start & has_submission
    rows["wait"] = np.where(waited, np.maximum(0, started - submitted), NONE)
    rows["skewed"] = waited & (started < submitted)
    rows["outcome"] = rows["end"]
    rows["inferred"], rows["recheck"] = 0, NONE
    rows["state"] = np.where(ended, _STATE_AFTER[rows["end"]], np.where(begun, _PROCESSING, _PENDING))
    rows["first"] = np.where(has_submission, submitted, rows["anchor"])
    rows["cancelled"] = rows["end"] == _CANCELLED
    _infer(rows, np.flatnonzero(has_start & ~ended), limits, lives, mark)


def _infer(
    rows: Columns, place: npt.NDArray[np.intp], limits: Mapping[int, int], lives: Mapping[int, Life], mark: int
) -> None:
    """End runs without an observed end, where the mark has passed what was due."""
    if not len(place):
        return
    open_ = rows[place]
    own, registered = open_["limit"], _looked_up(open_["job"], limits)
    limit = np.where(own == NONE, registered, own)
    ttl = _looked_up(open_["boot"], {boot: life.ttl for boot, life in lives.items()})
    heartbeat = _looked_up(open_["boot"], {boot: life.heartbeat for boot, life in lives.items()})
    alive = np.maximum(open_["proof"], heartbeat)
    lost_by = np.where((ttl == NONE) | (own == HISTORY), _NEVER, alive + ttl)
    late_by = np.where(limit < 0, _NEVER, open_["started"] + limit)
    lost, by = lost_by <= late_by, np.minimum(lost_by, late_by)
    passed = by <= mark
    rows["recheck"][place] = np.where(passed | (by == _NEVER), NONE, by)
    place, finish = place[passed], np.where(lost, alive, late_by)[passed]
    rows["finished"][place] = finish
    rows["duration"][place] = np.maximum(0, finish - rows["started"][place])
    rows["outcome"][place] = np.where(lost, _LOST, _TIMED_OUT)[passed]
    rows["inferred"][place], rows["state"][place] = 1, _FAILED


def _looked_up(numbers: Ints, table: Mapping[int, int]) -> Ints:
    if not table:
        return np.full(len(numbers), NONE)
    distinct, place = np.unique(numbers, return_inverse=True)
    return np.array([table.get(number, NONE) for number in distinct.tolist()])[place]
