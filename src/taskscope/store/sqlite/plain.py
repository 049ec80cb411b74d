"""Plain tasks of a batch: read, laid out in columns, and written back. See `taskscope.core.plain`."""

from __future__ import annotations

from collections import defaultdict
from itertools import count, pairwise, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from taskscope.core import lifecycle, plain_columns
from taskscope.core.cell_columns import Cells, added
from taskscope.core.cells import WORKER_FIELDS
from taskscope.core.clock import DAY
from taskscope.core.failures import FAILURES, fingerprint
from taskscope.core.plain import END_TYPES, FIRST_END, NONE, SUBMITTED
from taskscope.core.presence import Life
from taskscope.core.task import error_of, fingerprint_of
from taskscope.store import rows
from taskscope.store.sqlite.queries import statements

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
        self._cells = statements("cells")

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
        places = batch.place_of
        found: list[tuple[Any, ...]] = []
        batch.checksums = [rows.task_key(key) for key in batch.keys]
        checksums = list(set(batch.checksums))
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

    def write(self, batch: SqliteBatch, new: Columns, chosen: Ints, insert_run: str) -> None:
        """Write the tasks at some positions, whose rows are `new`."""
        texts = _Texts(batch)
        fresh = ~batch.known[chosen]
        if fresh.any():
            self._insert(batch, new[fresh], chosen[fresh], texts, insert_run)
        if not fresh.all():
            self._update(batch, new[~fresh], chosen[~fresh], texts)

    def _insert(self, batch: SqliteBatch, new: Columns, chosen: Ints, texts: _Texts, insert_run: str) -> None:
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
        run, submission, *rest = texts.run_columns(places, new)
        self._connection.executemany(
            insert_run,
            zip(numbers, repeat(1), run, submission, *rest[:-3], repeat(None), repeat(0), *rest[-3:]),
        )

    def _update(self, batch: SqliteBatch, new: Columns, chosen: Ints, texts: _Texts) -> None:
        old = batch.rows[chosen]
        numbers = np.array([batch.numbers[place] for place in chosen.tolist()])
        moved = np.logical_or.reduce([old[column] != new[column] for column in ("job", "queue", "first", "limit")])
        limits = [None if limit == NONE else limit for limit in new["limit"][moved].tolist()]
        _, _, job, queue, first, limit = _task_columns(new[moved], limits)
        state, cancelled, *_ = _task_columns(new, [])
        self._connection.executemany(self._sql["change_task"], zip(state, cancelled, numbers.tolist(), strict=True))
        self._connection.executemany(
            self._sql["place_task"], zip(job, queue, first, limit, numbers[moved].tolist(), strict=True)
        )
        steady = ("job", "queue", "worker", "boot", "run", "submitted", "started", "anchor")
        only_ends = (old["end"] == NONE) & (new["end"] != NONE)
        only_ends &= np.logical_and.reduce([old[column] == new[column] for column in steady])
        *columns, fingerprints = texts.run_columns(chosen[~only_ends].tolist(), new[~only_ends])
        row_ids = batch.row_ids[chosen]
        # An end that was stored before says its fingerprint no more than its error.
        kept = (old["end"] != NONE)[~only_ends].tolist()
        self._connection.executemany(
            self._sql["change_run"], zip(*columns, kept, fingerprints, row_ids[~only_ends].tolist(), strict=True)
        )
        columns = texts.run_columns(chosen[only_ends].tolist(), new[only_ends])
        columns = [columns[place] for place in _OF_AN_END]
        self._connection.executemany(self._sql["end_run"], zip(*columns, row_ids[only_ends].tolist(), strict=True))

    # --- cells ---

    def add(self, jobs: Cells, workers: Cells, now: int) -> None:
        """Add changes to the cells; those that become empty disappear."""
        coarse = dict(self._connection.execute("SELECT day_us, finest FROM coarse_day"))
        jobs, workers = (_kept(cells, coarse) for cells in (jobs, workers))
        keys, counts = _places(jobs), jobs.counts.tolist()
        histograms = self._merged(keys, jobs.histogram)
        self._connection.executemany(
            self._cells["add_cell"].replace("histogram_add(histogram, excluded.histogram)", "excluded.histogram"),
            [(*key, *cell, packed, now) for key, cell, packed in zip(keys, counts, histograms, strict=True)],
        )
        lowered = np.flatnonzero((jobs.counts < 0).any(axis=1)).tolist()
        self._connection.executemany(self._cells["drop_empty_cells"], [keys[place] for place in lowered])
        keys, counts = _places(workers), workers.counts.tolist()
        self._connection.executemany(
            self._cells["add_worker_cell"], [(*key, *work, now) for key, work in zip(keys, counts, strict=True)]
        )
        lowered = np.flatnonzero((workers.counts < 0).any(axis=1) | (workers.counts[:, _LEVEL] != 0)).tolist()
        self._connection.executemany(self._cells["drop_empty_worker_cells"], [keys[place] for place in lowered])

    def _merged(self, keys: Sequence[tuple[int, ...]], change: tuple[Ints, Ints, Ints]) -> list[bytes]:
        """Add changes of histograms to those that are stored; nobody else writes meanwhile."""
        query = "SELECT histogram FROM cell WHERE granularity = ? AND start_us = ? AND job = ? AND queue = ?"
        found = [self._connection.execute(query, key).fetchone() for key in keys]
        stored = [row[0] if row else b"" for row in found]
        entries = np.frombuffer(b"".join(stored), _ENTRY)
        row = np.repeat(np.arange(len(keys)), [len(packed) // _ENTRY.itemsize for packed in stored])
        places = np.concatenate((row << 16 | entries["bucket"], change[0] << 16 | change[1]))
        place, total = added(places, np.concatenate((entries["count"], change[2])))
        merged = np.empty(len(place), _ENTRY)
        merged["bucket"], merged["count"] = place & 0xFFFF, total
        packed = merged.tobytes()
        ends = (np.searchsorted(place, np.arange(len(keys) + 1) << 16) * _ENTRY.itemsize).tolist()
        return [packed[start:end] for start, end in pairwise(ends)]


_ENTRY = np.dtype([("bucket", "<u2"), ("count", "<i8")])
"""A bucket of a histogram, as `sketch.pack` writes it."""
_LEVEL = WORKER_FIELDS.index("level")


def _kept(cells: Cells, coarse: dict[int, int]) -> Cells:
    """Leave out the cells of granularities that are no longer kept."""
    if not coarse:
        return cells
    days = (cells.start // DAY * DAY).tolist()
    kept = cells.granularity >= np.array([coarse.get(day, 0) for day in days], np.int64)
    row, bucket, count = cells.histogram
    entries = kept[row]
    histogram = ((np.cumsum(kept) - 1)[row[entries]], bucket[entries], count[entries])
    granularity, start, name, queue, counts = (column[kept] for column in cells[:-1])
    return Cells(granularity, start, name, queue, counts, histogram)


def _places(cells: Cells) -> list[tuple[int, ...]]:
    columns = (cells.granularity, cells.start, cells.name, cells.queue)
    return list(zip(*(column.tolist() for column in columns), strict=True))


_RUN = (
    *("run", "submission", "anchor", "job", "queue", "worker", "boot", "state", "submitted", "due", "started"),
    *("finished", "duration", "wait", "skewed", "outcome", "inferred", "end_type", "end_id", "error_type"),
    *("error_message", "proof", "recheck", "fingerprint"),
)
"""The columns of a run that change, in the order of the statements."""
_OF_AN_END = [
    _RUN.index(column)
    for column in ("state", "finished", "duration", "outcome", "inferred", "end_type", "end_id", "error_type")
] + [_RUN.index(column) for column in ("error_message", "proof", "recheck", "fingerprint")]


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
