"""The read side of the store: one consistent view of it."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from heapq import nlargest
from typing import TYPE_CHECKING, Any

import numpy as np

from taskscope.core import gaps, presence, registry, sketch
from taskscope.core.cells import JOB_FIELDS, JobCell
from taskscope.core.clock import DAY
from taskscope.core.spans import Ints, ints
from taskscope.ports import BusyRow, Filter, LastRun, PresenceRow, RunRow, TaskRow
from taskscope.store import rows
from taskscope.store.smaller import is_smaller
from taskscope.store.sqlite import changes
from taskscope.store.sqlite.flow import SqliteFlow
from taskscope.store.sqlite.packs import SqlitePacks
from taskscope.store.sqlite.queries import statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from taskscope.core.events import Event
    from taskscope.core.gaps import Gap
    from taskscope.core.intervals import Interval
    from taskscope.core.presence import Boot
    from taskscope.core.registry import Job
    from taskscope.ports import Changes, Name, Position

ALL = Filter()
_EVER = (0, 1 << 62)


class SqliteQuestions(SqliteFlow):
    """Reads within one transaction: WAL keeps the view that it began with."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Work on a connection that has begun its transaction."""
        self._connection = connection
        self._sql = statements("questions")
        self.packs = SqlitePacks(connection)

    def _rows(self, sql: str, values: Iterable[Any] = ()) -> Iterator[tuple[Any, ...]]:
        return iter(self._connection.execute(sql, tuple(values)))

    def _one(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
        return row

    # --- the state of the ledger ---

    def mark(self) -> int:
        """Give the mark."""
        row = self._one("SELECT value FROM meta WHERE key = 'mark'")
        return row[0] if row else 0

    def counters(self) -> dict[str, int]:
        """Give the counts of what was refused, by reason."""
        found = self._rows("SELECT substr(key, 9), value FROM meta WHERE key LIKE 'refused.%'")
        return dict(found)

    def is_sealed(self, window: Interval) -> bool:
        """Tell whether retention has dropped tasks that count in this window."""
        query = "SELECT 1 FROM sealed_cell WHERE granularity = 2 AND start_us > ? AND start_us < ? LIMIT 1"
        return self._one(query, window[0] - DAY, window[1]) is not None

    def finest(self, window: Interval) -> int:
        """Give the number of the finest granularity that is kept for all days of an interval."""
        query = "SELECT max(finest) FROM coarse_day WHERE day_us > ? AND day_us < ?"
        row = self._one(query, window[0] - DAY, window[1])
        return (row and row[0]) or 0

    def span(self) -> Interval | None:
        """Give the days from the first to behind the last that hold any cell; None in an empty store."""
        query = """
            SELECT min(first), max(last) FROM (
                SELECT min(start_us) AS first, max(start_us) AS last FROM cell WHERE granularity = 2
                UNION ALL SELECT min(start_us), max(start_us) FROM worker_cell WHERE granularity = 2)"""
        row = self._one(query)
        return None if row is None or row[0] is None else (row[0], row[1] + DAY)

    # --- cells ---

    def job_cells(self, granularity: int, window: Interval, where: Filter) -> Iterator[tuple[int, Name, JobCell]]:
        """Yield (start, job, cell) of the cells that begin in the window."""
        clause, values = _among("c", where, ("job", "queue"))
        for row in self._rows(self._sql["job_cells"] + clause, (granularity, *window, *values)):
            yield row[0], (row[1], row[2]), JobCell(list(row[3:-1]), sketch.unpack(row[-1]))

    def totals(
        self, cells: Sequence[tuple[int, Interval]], where: Filter, fields: Sequence[str]
    ) -> dict[Name, JobCell]:
        """Add up some counts of the cells that begin in windows, each of a granularity, by job; without histograms."""
        clause, values = _among("c", where, ("job", "queue"))
        sums = ", ".join(f"sum(c.{field})" if field in fields else "0" for field in JOB_FIELDS)
        query = self._sql["totals"].replace("/* sums */", sums).replace("/* filter */", clause)
        found: defaultdict[int, JobCell] = defaultdict(JobCell)
        for granularity, window in cells:
            for job, *counts in self._rows(query, (granularity, *window, *values)):
                found[job].add(JobCell(counts))
        return {name: found[job] for job, name in self._jobs(ALL).items() if job in found}

    def histograms(self, cells: Sequence[tuple[int, Interval]], where: Filter) -> dict[Name, list[bytes]]:
        """Give the packed histograms of the same cells by job."""
        clause, values = _among("c", where, ("job", "queue"))
        found: defaultdict[int, list[bytes]] = defaultdict(list)
        for granularity, window in cells:
            for job, packed in self._rows(self._sql["histograms"] + clause, (granularity, *window, *values)):
                found[job].append(packed)
        return {name: found[job] for job, name in self._jobs(ALL).items() if job in found}

    def worker_cells(self, granularity: int, window: Interval, where: Filter) -> Iterator[tuple[int, Name, list[int]]]:
        """Yield (start, worker, values) of the cells that begin in the window."""
        clause, values = _among("c", where, ("worker", "queue"))
        for row in self._rows(self._sql["worker_cells"] + clause, (granularity, *window, *values)):
            yield row[0], (row[1], row[2]), list(row[3:])

    # --- runs and tasks ---

    def touching(self, windows: Sequence[Interval], where: Filter) -> Iterator[RunRow]:
        """Yield the runs with a submission, anchor or finish in any of the windows, each once."""
        clause, values = _among("r", where, ("job", "queue"))
        parts = [f"r.{time} >= ? AND r.{time} < ?{_BY_JOB[time]}" for _ in windows for time in _BY_JOB]
        bounds = [bound for window in windows for _ in _BY_JOB for bound in window]
        if parts:
            query = f"{self._sql['runs']} WHERE ({' OR '.join(parts)}){clause}"
            yield from (run_row(row) for row in self._rows(query, (*bounds, *values)))

    def tasks_between(self, window: Interval, where: Filter) -> Iterator[TaskRow]:
        """Yield the tasks whose first submission lies in the window."""
        clause, values = _among("t", where, ("job", "queue"))
        yield from (TaskRow(*row) for row in self._rows(_TASKS + clause, (*window, *values)))

    def tasks_changed(self, window: Interval, where: Filter) -> Iterator[tuple[TaskRow, list[RunRow]]]:
        """Yield the tasks whose first submission lies in the window, and that changed after it, with their runs."""
        clause, values = _among("t", where, ("job", "queue"))
        end = window[1]
        if is_smaller(
            lambda limit: self._number("count_first", *window, limit),
            lambda limit: self._number("count_later", end, limit),
        ):
            changed = self._sql["changed_of_task"]
        else:
            later = " UNION ".join(f"SELECT task FROM run AS r WHERE {time} >= ?{_BY_JOB[time]}" for time in _BY_JOB)
            changed = f"t.id IN ({later})"
        query = f"{_TASKS} AND {changed}{clause}"
        for row in self._connection.execute(query, (*window, end, end, end, *values)).fetchall():
            runs = self._rows(self._sql["runs"] + " WHERE r.task = ?", (row[-1],))
            yield TaskRow(*row), [run_row(run) for run in runs]

    def _number(self, name: str, *values: int) -> int:
        row = self._one(self._sql[name], *values)
        return row[0] if row else 0

    def durations(self, window: Interval | None, where: Filter, last: int) -> list[tuple[Name, int, str]]:
        """Give (job, duration, outcome) of the newest `last` finished runs."""
        low, high = window or _EVER
        clause, values = _among("r", where._replace(jobs=None, services=None), ("job", "queue"))
        jobs = self._jobs(where)
        finishes = f"{self._sql['finishes']}{clause} ORDER BY r.finished_us DESC LIMIT ?"
        newest = [one for job in jobs for (one,) in self._rows(finishes, (job, low, high, *values, last))]
        first = min(nlargest(last, newest), default=high)
        found = [
            row for job in jobs for row in self._rows(self._sql["durations"] + clause, (job, first, high, *values))
        ]
        found.sort(key=lambda row: (-row[2], row[3:]))
        return [(jobs[row[0]], row[1], row[-1]) for row in found[:last]]

    def lengths(self, window: Interval, where: Filter) -> dict[Name, tuple[Ints, Ints, Ints]]:
        """Give the durations of the runs that finished in a window, by job: of succeeded, failed and other runs."""
        clause, values = _among("r", where._replace(jobs=None, services=None), ("job", "queue"))
        found = {}
        for job, name in self._jobs(where).items():
            row = self._one(self._sql["lengths"] + clause, job, *window, *values)
            if row is not None and any(row):
                found[name] = (_numbers(row[0]), _numbers(row[1]), _numbers(row[2]))
        return found

    def waits(self, window: Interval, where: Filter) -> dict[Name, Ints]:
        """Give the known waits of the runs that began in a window, by job."""
        clause, values = _among("r", where._replace(jobs=None, services=None), ("job", "queue"))
        found = {}
        for job, name in self._jobs(where).items():
            row = self._one(self._sql["waits"] + clause, job, *window, *values)
            if row is not None and row[0]:
                found[name] = _numbers(row[0])
        return found

    def _jobs(self, where: Filter) -> dict[int, Name]:
        """Give the jobs that a question is about, by number."""
        return {
            number: (service, job)
            for number, service, job in self._rows(self._sql["jobs"])
            if _matches(where.services, service) and _matches(where.jobs, job)
        }

    def busy(self, window: Interval, where: Filter) -> Iterator[BusyRow]:
        """Yield the runs whose busy interval, or open time until the last proof of life, touches the window."""
        for name in ("busy", "open"):
            for row in self._rows(self._sql[name], window):
                if _matches(where.services, row[0]) and _matches(where.queues, row[1]):
                    yield BusyRow(*row)

    def open_runs(self, where: Filter) -> Iterator[BusyRow]:
        """Yield the runs without an end, up to their last proof of life."""
        for row in self._rows(self._sql["open"], _EVER):
            if _matches(where.services, row[0]) and _matches(where.queues, row[1]):
                yield BusyRow(*row)

    def page(
        self, where: Filter, window: Interval | None, after: Sequence[int | str] | None, limit: int
    ) -> list[RunRow]:
        """List runs, newest anchor first, ties by service, task, attempt, run and submission, behind a row."""
        clause, values = _among("r", where, ("job", "queue", "worker"))
        for column, wanted in (("state", where.states), ("outcome", where.outcomes)):
            if wanted is not None:
                clause += f" AND r.{column} IN ({','.join('?' * len(wanted))})"
                values += tuple(wanted)
        if window is not None:
            clause += " AND r.anchor_us >= ? AND r.anchor_us < ?"
            values += window
        if after is not None:
            clause += (
                " AND r.anchor_us <= ? AND (r.anchor_us < ?"
                " OR (t.service, t.task, r.attempt, r.run, r.submission) > (?, ?, ?, ?, ?))"
            )
            values += (after[0], *after)
        order = " ORDER BY r.anchor_us DESC, t.service, t.task, r.attempt, r.run, r.submission LIMIT ?"
        # Without statistics, the planner takes a sort of all runs for cheaper than the index in their order.
        of_runs = self._sql["runs"].replace("run AS r", "run AS r INDEXED BY run_anchor")
        query = f"{of_runs} WHERE 1{clause}{order}"
        return [run_row(row) for row in self._rows(query, (*values, limit))]

    # --- workers ---

    def presence(self, window: Interval) -> Iterator[PresenceRow]:
        """Yield the spans that touch the window."""
        for name in ("presence", "bootless"):
            for row in self._rows(self._sql[name], window):
                yield PresenceRow(row[0], row[1], row[2], row[3], row[4], bool(row[5]))

    def serves(self, row: PresenceRow) -> set[str]:
        """Give the queues that the boot of a span, or the worker without one, serves."""
        if row.boot == 0:
            return self._served_by_workers.get((row.service, row.worker), set())
        return {queue for (queue,) in self._rows(self._sql["served_by_boot"], (row.boot,))}

    @cached_property
    def _served_by_workers(self) -> dict[Name, set[str]]:
        """Give the queues of all workers without a boot: who asks for one asks for all, and one view never changes."""
        found: defaultdict[Name, set[str]] = defaultdict(set)
        for service, worker, queue in self._rows(self._sql["served_by_workers"]):
            found[service, worker].add(queue)
        return found

    # --- jobs and services ---

    def registered(self, where: Filter) -> dict[Name, Job]:
        """Give the folds of the jobs that are registered."""
        found = self._rows(self._sql["registered"])
        return {
            (service, job): registry.unpack(folded)
            for service, job, folded in found
            if _matches(where.services, service) and _matches(where.jobs, job)
        }

    def last_finished(self, where: Filter) -> dict[Name, LastRun]:
        """Give the newest finished run of each job."""
        clause, values = _among("r", where, ("queue",))
        query = self._sql["last_finished"].replace("/* filter */", clause)
        found: dict[Name, LastRun] = {}
        for number, service, job in self._rows(self._sql["jobs"]):
            if _matches(where.services, service) and _matches(where.jobs, job):
                row = self._one(query, number, *values)
                if row is not None:
                    found[service, job] = LastRun(*row)
        return found

    def boots_of_role(self, role: str) -> Iterator[tuple[str, Boot]]:
        """Yield (service, fold) of the boots that ever said that they have this role."""
        for service, folded in self._rows(self._sql["boots_that_say"], (role.encode(),)):
            boot = presence.unpack(folded)
            if boot.role is not None and boot.role[2] == role:
                yield service, boot

    def boots_present(self, instant: int) -> Iterator[tuple[str, Boot]]:
        """Yield (service, fold) of the boots that are present at an instant."""
        for service, folded in self._rows(self._sql["boots_present"], (instant, instant)):
            yield service, presence.unpack(folded)

    def last_signs(self) -> dict[str, int]:
        """Give the newest time of each service."""
        return dict(self._rows(self._sql["last_signs"]))

    # --- the log ---

    def position(self) -> Position:
        """Give the newest position in the log of changes, (0, 0) before the first."""
        return changes.position(self._connection)

    def changes(self, after: Position, limit: int) -> Changes:
        """Give what changed behind a position, in at most `limit` tasks."""
        return changes.changes(self._connection, after, limit)

    def runs_of(self, tasks: Sequence[int]) -> Iterator[RunRow]:
        """Yield the runs of tasks, given by their numbers."""
        return (run_row(row) for row in changes.runs_of(self._connection, tasks))

    def gaps(self, where: Filter) -> list[Gap]:
        """Give what senders of these services say that they dropped."""
        query = self._sql["events"] + " WHERE e.type = 'spool.gap'"
        if where.services is not None:
            query += f" AND e.service IN ({','.join('?' * len(where.services))})"
        return [gaps.gap(rows.event_from_row(row[:-1])) for row in self._rows(query, where.services or ())]

    def events(self) -> Iterator[tuple[Event, int]]:
        """Yield every fact of the log with its content hash, by time, then id."""
        for row in self._rows(self._sql["events"] + " ORDER BY e.time_us, e.id"):
            yield rows.event_from_row(row[:-1]), row[-1]


_BY_JOB = {
    "submitted_us": "",
    "anchor_us": "",
    "finished_us": " AND r.job IN (SELECT id FROM name WHERE kind = 'job')",
}
"""The times of a run, each with what makes its index usable: finishes are indexed by job."""

_TASKS = (
    "SELECT j.service, t.task, j.name, t.state, t.cancelled, t.first_us, t.id "
    "FROM task AS t JOIN name AS j ON j.id = t.job WHERE t.first_us >= ? AND t.first_us < ?"
)


def run_row(row: tuple[Any, ...]) -> RunRow:
    """Read a run; the columns are those of `runs` in questions.sql."""
    return RunRow._make((*row[:17], bool(row[17]), row[18], bool(row[19]), *row[20:]))


def _numbers(text: str | None) -> Ints:
    """Read whole numbers, separated by commas: a third of the time that a row each takes."""
    return np.fromstring(text, np.int64, sep=",") if text else ints([])


def _matches(wanted: Sequence[str] | None, value: str) -> bool:
    return wanted is None or value in wanted


def _among(alias: str, where: Filter, kinds: Sequence[str]) -> tuple[str, tuple[Any, ...]]:
    """Restrict the name columns of a table; the service of a row is that of its names."""
    clause, values = "", []
    wanted = {"job": where.jobs, "queue": where.queues, "worker": where.workers}
    for position, kind in enumerate(kinds):
        names, services = wanted[kind], where.services if position == 0 else None
        if names is None and services is None:
            continue
        clause += f" AND {alias}.{kind} IN (SELECT id FROM name WHERE kind = '{kind}'"
        for column, among in (("name", names), ("service", services)):
            if among is not None:
                clause += f" AND {column} IN ({','.join('?' * len(among))})"
                values += list(among)
        clause += ")"
    return clause, tuple(values)
