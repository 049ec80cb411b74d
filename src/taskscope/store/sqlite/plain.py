"""Plain tasks of a batch: read, laid out in columns, and written back. See `taskscope.core.plain`."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from taskscope.core import lifecycle, plain_columns
from taskscope.core.failures import FAILURES, fingerprint
from taskscope.core.packs import LONG, SLICE
from taskscope.core.plain import END_TYPES, FIRST_END, NONE, SUBMITTED
from taskscope.core.presence import Life
from taskscope.core.task import error_of, fingerprint_of
from taskscope.store import rows
from taskscope.store.sqlite.queries import statements
from taskscope.store.sqlite.recent import Known

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from taskscope.core.events import Event
    from taskscope.core.plain_columns import Columns, Ints
    from taskscope.ports import BootKey, TaskKey
    from taskscope.store.sqlite.names import Names

_READ = (
    *("job", "queue", "worker", "boot", "run", "submitted", "started", "end", "finished", "duration", "proof", "limit"),
    *("waiting", "anchor", "wait", "skewed", "outcome", "inferred", "recheck", "state", "cancelled", "first"),
)
"""The columns of a row in the order in which `stored` reads them."""
_END = {None: NONE} | {kind: number for number, kind in enumerate(END_TYPES)}
_OUTCOME = {None: NONE} | {name: number for number, name in enumerate(lifecycle.OUTCOMES)}
_STATE = {name: number for number, name in enumerate(lifecycle.STATES)}
_CHUNK = 500


class SqliteBatch(plain_columns.Batch):
    """A batch with what this store has to remember of it between reading and writing.

    Attributes
    ----------
    numbers, row_ids
        The number of each task, 0 for a new one, and of the row of its run.
    checksums
        The checksum of each task, by which it is found.
    runs
        The ids of runs, by the numbers that stand in the columns.
    events, places, names
        The facts, the position of the task of each, and the numbers of the job, queue and worker that each gives.
    """

    def __init__(self, keys: dict[TaskKey, int], events: Sequence[Event], places: Sequence[int]) -> None:
        super().__init__(list(keys))
        self.place_of = keys
        self.events = events
        self.places = places
        self.names: list[rows.Triple] = []
        self.numbers = [0] * len(keys)
        self.checksums: list[int] = []
        self.row_ids = np.full(len(keys), NONE)
        self.runs: defaultdict[str, int] = defaultdict(count().__next__)


class SqlitePlain:
    """Reads and writes plain tasks within the transaction of a ledger."""

    def __init__(self, connection: sqlite3.Connection, names: Names, boot: Callable[[BootKey], int]) -> None:
        """Work on a connection that has begun its transaction; `boot` gives the number of a boot."""
        self._connection = connection
        self._names = names
        self._boot = boot
        self._sql = statements("plain")

    # --- reading ---

    def read(self, events: Sequence[Event]) -> SqliteBatch:
        """Lay facts of tasks out in columns, beside their tasks as they stand."""
        keys: defaultdict[TaskKey, int] = defaultdict(count().__next__)
        places = [keys[event.service, event.task or ""] for event in events]
        batch = SqliteBatch(keys, events, places)
        self._read_unnamed(batch)
        self._read_stored(batch)
        batch.names = self._names.triples(events)
        runs = batch.runs
        boots = {pair: self._boot((*pair, "")) for pair in {(e.service, e.boot) for e in events if e.boot is not None}}
        batch.facts = plain_columns.lay_out(
            events,
            places,
            batch.names,
            [NONE if event.boot is None else boots[event.service, event.boot] for event in events],
            [NONE if event.run is None else runs[event.run] for event in events],
        )
        return batch

    def _read_unnamed(self, batch: SqliteBatch) -> None:
        services = [service for service, _ in batch.keys]
        unnamed = {service: self._names.triple(service, "", "", "") for service in set(services)}
        batch.unnamed = np.array([number for three in unnamed.values() for number in three], np.int64)
        for column, numbers in zip(
            ("job", "queue", "worker"), zip(*map(unnamed.get, services), strict=True), strict=True
        ):
            batch.rows[column] = numbers

    def _read_stored(self, batch: SqliteBatch) -> None:
        places, find = batch.place_of, self._names.recent.find
        batch.checksums = [rows.task_key(key) for key in batch.keys]
        recent = [(place, known) for place, key in enumerate(batch.keys) if (known := find(key)) is not None]
        self._recall(batch, recent)
        found: list[tuple[Any, ...]] = []
        checksums = list({one for one, known in zip(batch.checksums, batch.known.tolist(), strict=True) if not known})
        for position in range(0, len(checksums), _CHUNK):
            part = checksums[position : position + _CHUNK]
            query = f"{self._sql['stored']} WHERE t.key IN ({','.join('?' * len(part))})"
            found += [row for row in self._connection.execute(query, part) if (row[0], row[1]) in places]
        if not found:
            return
        for service, name, number, row_id, *_ in found:
            batch.numbers[places[service, name]] = number
            batch.odd[places[service, name]] = row_id is None
        standing = [row for row in found if row[3] is not None]
        if not standing:
            return
        services, names, _, row_ids, *columns = zip(*standing, strict=True)
        place = np.array([places[key] for key in zip(services, names, strict=True)])
        batch.known[place] = True
        batch.row_ids[place] = row_ids
        runs = batch.runs
        numbered = {
            "run": lambda run: runs[run] if run else NONE,
            "end": _END.__getitem__,
            "outcome": _OUTCOME.__getitem__,
            "state": _STATE.__getitem__,
        }
        for column, values in zip(_READ, columns, strict=True):
            batch.rows[column][place] = [*map(numbered[column], values)] if column in numbered else values

    def _recall(self, batch: SqliteBatch, recent: Sequence[tuple[int, Known]]) -> None:
        """Take over what is remembered."""
        if not recent:
            return
        place = [place for place, _ in recent]
        batch.known[place] = True
        batch.row_ids[place] = [known.row_id for _, known in recent]
        batch.rows[place] = np.array([known.row for _, known in recent], batch.rows.dtype)
        batch.rows["run"][place] = [batch.runs[known.run] if known.run else NONE for _, known in recent]
        for at, known in recent:
            batch.numbers[at] = known.number

    def limits(self, jobs: Iterable[int]) -> dict[int, int]:
        """Give the registered limits of those of the jobs that have one, by number."""
        query = "SELECT limit_us FROM job WHERE name = ? AND limit_us IS NOT NULL"
        found = ((job, self._connection.execute(query, (job,)).fetchone()) for job in jobs)
        return {job: row[0] for job, row in found if row}

    def lives(self, boots: Iterable[int]) -> dict[int, Life]:
        """Give the lives of those of the boots that sent a heartbeat, by number."""
        query = "SELECT heartbeat_us, ttl_us FROM boot WHERE id = ? AND heartbeat_us IS NOT NULL"
        found = ((boot, self._connection.execute(query, (boot,)).fetchone()) for boot in boots)
        return {boot: Life(*row) for boot, row in found if row}

    # --- writing ---

    def write(self, batch: SqliteBatch, new: Columns, chosen: Ints) -> None:
        """Write the tasks at some positions, whose rows are `new`."""
        texts = _Texts(batch)
        fresh = ~batch.known[chosen]
        # The slices that change are told at once, which triggers would tell run by run.
        self._connection.execute(self._sql["rest_triggers"])
        if fresh.any():
            self._insert(batch, new[fresh], chosen[fresh], texts)
        if not fresh.all():
            self._update(batch, new[~fresh], chosen[~fresh], texts)
        self._connection.execute(self._sql["wake_triggers"])
        changed = np.concatenate((batch.rows[chosen[~fresh]], new))
        self._connection.executemany(self._sql["unpack"], _slices(changed))
        self._remember(batch, new, chosen)

    def _insert(self, batch: SqliteBatch, new: Columns, chosen: Ints, texts: _Texts) -> None:
        places = chosen.tolist()
        keys = [batch.keys[place] for place in places]
        numbers = [batch.numbers[place] for place in places]
        checksums = [batch.checksums[place] for place in places]
        limits = [None if limit == NONE else limit for limit in new["limit"].tolist()]
        services, names = zip(*keys, strict=True)
        self._connection.executemany(
            self._sql["new_task"],
            zip(numbers, checksums, services, names, *_task_columns(new, limits), strict=True),
        )
        [row_id] = self._connection.execute("SELECT coalesce(max(rowid), 0) + 1 FROM run").fetchone()
        row_ids = range(row_id, row_id + len(places))
        batch.row_ids[chosen] = row_ids
        self._connection.executemany(
            self._sql["new_run"], zip(row_ids, numbers, *texts.run_columns(places, new), strict=True)
        )

    def _update(self, batch: SqliteBatch, new: Columns, chosen: Ints, texts: _Texts) -> None:
        old = batch.rows[chosen]
        numbers = np.array([batch.numbers[place] for place in chosen.tolist()])
        moved = ~_same(old, new, ("job", "queue", "first", "limit"))
        limits = [None if limit == NONE else limit for limit in new["limit"][moved].tolist()]
        _, _, job, queue, first, limit = _task_columns(new[moved], limits)
        state, cancelled, *_ = _task_columns(new, [])
        self._connection.executemany(self._sql["change_task"], zip(state, cancelled, numbers.tolist(), strict=True))
        self._connection.executemany(
            self._sql["place_task"], zip(job, queue, first, limit, numbers[moved].tolist(), strict=True)
        )
        starts = (old["waiting"] == 1) & (new["waiting"] == 0) & (new["outcome"] == NONE)
        starts &= _same(old, new, ("job", "queue", "submitted"))
        ends = (old["end"] == NONE) & (new["end"] != NONE)
        ends &= _same(old, new, ("job", "queue", "worker", "boot", "run", "submitted", "started", "anchor"))
        for statement, which, wanted in (
            ("start_run", starts, _OF_A_START),
            ("end_run", ends, _OF_AN_END),
            ("change_run", ~(starts | ends), _OF_A_CHANGE),
        ):
            places = chosen[which]
            columns = dict(zip(_RUN, texts.run_columns(places.tolist(), new[which]), strict=True))
            columns["ended"] = (old["end"] != NONE)[which].tolist()
            lines = zip(*(columns[name] for name in wanted), batch.row_ids[places].tolist(), strict=True)
            self._connection.executemany(self._sql[statement], lines)

    def _remember(self, batch: SqliteBatch, new: Columns, chosen: Ints) -> None:
        """Keep what is still open at hand."""
        keys, numbers, open_ = batch.keys, batch.numbers, new["end"] == NONE
        runs = [*batch.runs, ""]
        places = chosen[open_]
        rows_left = new[open_]
        known = map(
            Known,
            [numbers[place] for place in places.tolist()],
            batch.row_ids[places].tolist(),
            [runs[run] for run in rows_left["run"].tolist()],
            rows_left.tolist(),
        )
        self._names.recent.keep(zip([keys[place] for place in places.tolist()], known, strict=True))
        self._names.recent.drop([keys[place] for place in chosen[~open_ & batch.known[chosen]].tolist()])


def _slices(rows: Columns) -> list[list[int]]:
    """Give the ranges of slices that the runs of some rows touch, as the triggers of migration 4 do."""
    short = rows[(rows["duration"] != NONE) & (rows["duration"] < LONG)]
    ended = rows["finished"][rows["finished"] != NONE] // SLICE
    touched = np.column_stack((short["anchor"] // SLICE, (short["anchor"] + short["duration"]) // SLICE))
    found: list[list[int]] = np.unique(np.concatenate((touched, np.column_stack((ended, ended)))), axis=0).tolist()
    return found


_RUN = (
    *("run", "submission", "anchor", "job", "queue", "worker", "boot", "state", "submitted", "due", "started"),
    *("finished", "duration", "wait", "skewed", "outcome", "inferred", "end_type", "end_id", "error_type"),
    *("error_message", "proof", "recheck", "fingerprint"),
)
"""The columns of a run that change, in the order of the statements."""
_OF_A_START = (
    *("run", "submission", "anchor", "worker", "boot", "state", "started", "wait", "skewed", "proof", "recheck"),
)
_OF_AN_END = (
    *("state", "finished", "duration", "outcome", "inferred", "end_type", "end_id", "error_type", "error_message"),
    *("proof", "recheck", "fingerprint"),
)
_OF_A_CHANGE = (*_RUN[:-1], "ended", "fingerprint")
"""Of an end that was stored before, no fact of this batch says the fingerprint: the one that is there stays."""


def _same(old: Columns, new: Columns, columns: Sequence[str]) -> Any:
    """Tell for each row whether none of these columns changed."""
    return np.logical_and.reduce([old[column] == new[column] for column in columns])


class _Texts:
    """The columns of runs that hold text, which numbers stand for in the tables."""

    def __init__(self, batch: SqliteBatch) -> None:
        self._runs = [*batch.runs, ""]  # NONE is the last
        kinds = batch.facts["kind"]
        self._ends = self._events(batch, kinds >= FIRST_END)
        self._submissions = self._events(batch, kinds == SUBMITTED)

    @staticmethod
    def _events(batch: SqliteBatch, which: Any) -> dict[int, Event]:
        positions = np.flatnonzero(which)
        events = batch.events
        return dict(zip(batch.facts["task"][positions].tolist(), [events[p] for p in positions.tolist()], strict=True))

    def run_columns(self, places: Sequence[int], new: Columns) -> list[Iterable[Any]]:
        """Give the columns of `_RUN` for the tasks at some positions."""
        ends = [self._ends.get(place) for place in places]
        errors = [error_of(end) if end is not None and end.data else None for end in ends]
        outcomes = [_OUTCOMES[outcome] for outcome in new["outcome"].tolist()]
        return [
            [self._runs[run] for run in new["run"].tolist()],
            [
                self._submission(place) if waiting else ""
                for place, waiting in zip(places, new["waiting"].tolist(), strict=True)
            ],
            *(new[column].tolist() for column in ("anchor", "job", "queue", "worker")),
            _optional(new["boot"]),
            [lifecycle.STATES[state] for state in new["state"].tolist()],
            *(_optional(new[c]) for c in ("submitted", "submitted", "started", "finished", "duration", "wait")),
            new["skewed"].tolist(),
            outcomes,
            new["inferred"].tolist(),
            [None if end is None else end.type for end in ends],
            [None if end is None else end.id for end in ends],
            [None if error is None else error[0] for error in errors],
            [None if error is None else error[1] for error in errors],
            new["proof"].tolist(),
            _optional(new["recheck"]),
            [
                fingerprint(outcome, error, None if end is None else fingerprint_of(end))
                if outcome in FAILURES
                else None
                for outcome, error, end in zip(outcomes, errors, ends, strict=True)
            ],
        ]

    def _submission(self, place: int) -> str:
        event = self._submissions[place]
        return f"{event.time}/{event.id}"


_OUTCOMES = (*lifecycle.OUTCOMES, None)


def _task_columns(new: Columns, limits: list[int | None]) -> list[Iterable[Any]]:
    return [
        [lifecycle.STATES[state] for state in new["state"].tolist()],
        *(new[column].tolist() for column in ("cancelled", "job", "queue", "first")),
        limits,
    ]


def _optional(values: Ints) -> list[int | None]:
    return [None if value == NONE else value for value in values.tolist()]
