"""The read side of the store: one consistent view of it."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from taskscope.core import gaps, presence, registry, sketch
from taskscope.core.cells import JOB_FIELDS, JobCell
from taskscope.core.clock import DAY
from taskscope.core.spans import Ints
from taskscope.ports import BusyRow, Filter, LastRun, PresenceRow, RunRow, TaskRow
from taskscope.store.postgres import changes, rows
from taskscope.store.postgres.flow import PostgresFlow
from taskscope.store.postgres.packs import PostgresPacks
from taskscope.store.postgres.queries import statements
from taskscope.store.smaller import is_smaller

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from taskscope.core.events import Event
    from taskscope.core.gaps import Gap
    from taskscope.core.intervals import Interval
    from taskscope.core.presence import Boot
    from taskscope.core.registry import Job
    from taskscope.ports import Changes, Name, Position
    from taskscope.store.postgres.connection import Connection

ALL = Filter()
ALWAYS = (0, 1 << 62)


class PostgresQuestions(PostgresFlow):
    """Reads within one REPEATABLE READ transaction: the view that it began with."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection that has begun its transaction."""
        self._connection = connection
        self._sql = statements("questions")
        self.packs = PostgresPacks(connection)

    def _rows(self, query: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, values, binary=True).fetchall()

    def _within(self, name: str, window: Interval) -> list[tuple[Any, ...]]:
        return self._rows(self._sql[name], {"start": window[0], "end": window[1]})

    # --- the state of the ledger ---

    def mark(self) -> int:
        """Give the mark."""
        found = self._rows("SELECT value FROM meta WHERE key = 'mark'")
        return found[0][0] if found else 0

    def counters(self) -> dict[str, int]:
        """Give the counts of what was refused, by reason."""
        return dict(self._rows(self._sql["counters"]))

    def is_sealed(self, window: Interval) -> bool:
        """Tell whether retention has dropped tasks that count in this window."""
        return bool(self._rows(self._sql["is_sealed"], (window[0] - DAY, window[1])))

    def finest(self, window: Interval) -> int:
        """Give the number of the finest granularity that is kept for all days of an interval."""
        [[finest]] = self._rows(self._sql["finest"], (window[0] - DAY, window[1]))
        return int(finest)

    def span(self) -> Interval | None:
        """Give the days from the first to behind the last that hold any cell; None in an empty store."""
        [[first, last]] = self._rows(self._sql["span"])
        return None if first is None else (first, last + DAY)

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
        sums = ", ".join(f"sum(c.{field})::bigint" if field in fields else "0" for field in JOB_FIELDS)
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
        if not windows:
            return
        clause, values = _among("r", where, ("job", "queue"))
        parts = [f"r.{time} >= %s AND r.{time} < %s{_BY_JOB[time]}" for _ in windows for time in _BY_JOB]
        bounds = [bound for window in windows for _ in _BY_JOB for bound in window]
        query = f"{self._sql['runs']} WHERE ({' OR '.join(parts)}){clause}"
        yield from (run_row(row) for row in self._rows(query, (*bounds, *values)))

    def tasks_between(self, window: Interval, where: Filter) -> Iterator[TaskRow]:
        """Yield the tasks whose first submission lies in the window."""
        clause, values = _among("t", where, ("job", "queue"))
        yield from (TaskRow(*row) for row in self._rows(self._sql["tasks"] + clause, (*window, *values)))

    def tasks_changed(self, window: Interval, where: Filter) -> Iterator[tuple[TaskRow, list[RunRow]]]:
        """Yield the tasks whose first submission lies in the window, and that changed after it, with their runs."""
        clause, values = _among("t", where, ("job", "queue"))
        end = window[1]
        if is_smaller(
            lambda limit: self._number("count_first", (*window, limit)),
            lambda limit: self._number("count_later", (end, limit)),
        ):
            changed = self._sql["changed_of_task"]
        else:
            later = " UNION ".join(f"SELECT task FROM run AS r WHERE {time} >= %s{_BY_JOB[time]}" for time in _BY_JOB)
            changed = f"t.id IN ({later})"
        query = f"{self._sql['tasks']} AND {changed}{clause}"
        tasks = [TaskRow(*row) for row in self._rows(query, (*window, end, end, end, *values))]
        runs: dict[int, list[RunRow]] = {task.number: [] for task in tasks}
        of_tasks = self._sql["runs"].replace("SELECT", "SELECT r.task,", 1) + " WHERE r.task = ANY(%s::bigint[])"
        for number, *row in self._rows(of_tasks, (list(runs),)) if runs else ():
            runs[number].append(run_row(row))
        yield from ((task, runs[task.number]) for task in tasks)

    def _number(self, name: str, values: tuple[int, ...]) -> int:
        [(number,)] = self._rows(self._sql[name], values)
        return int(number)

    def durations(self, window: Interval | None, where: Filter, last: int) -> list[tuple[Name, int, str]]:
        """Give (job, duration, outcome) of the newest `last` finished runs."""
        clause, values = _among("r", where._replace(jobs=None, services=None), ("job", "queue"))
        jobs, (low, high) = self._jobs(where), window or ALWAYS
        query = self._sql["finishes"].replace("/* filter */", clause)
        [[first]] = self._rows(query, (list(jobs), low, high, *values, last, last))
        if first is None:
            return []
        found = self._rows(self._sql["durations"] + clause, (list(jobs), first, high, *values))
        found.sort(key=lambda row: (-row[2], row[3:]))
        return [(jobs[row[0]], row[1], row[-1]) for row in found[:last]]

    def lengths(self, window: Interval, where: Filter) -> dict[Name, tuple[Ints, Ints, Ints]]:
        """Give the durations of the runs that finished in a window, by job: of succeeded, failed and other runs."""
        clause, values = _among("r", where._replace(jobs=None, services=None), ("job", "queue"))
        jobs = self._jobs(where)
        found = self._rows(f"{self._sql['lengths']}{clause} GROUP BY r.job", (list(jobs), *window, *values))
        return {jobs[job]: (_values(ok), _values(bad), _values(other)) for job, ok, bad, other in found}

    def waits(self, window: Interval, where: Filter) -> dict[Name, Ints]:
        """Give the known waits of the runs that began in a window, by job."""
        clause, values = _among("r", where._replace(jobs=None, services=None), ("job", "queue"))
        jobs = self._jobs(where)
        found = self._rows(f"{self._sql['waits']}{clause} GROUP BY r.job", (list(jobs), *window, *values))
        return {jobs[job]: _values(packed) for job, packed in found}

    def _jobs(self, where: Filter) -> dict[int, Name]:
        """Give the jobs that a question is about, by number."""
        return {
            number: (service, job)
            for number, service, job in self._rows(self._sql["jobs"])
            if _matches(where.services, service) and _matches(where.jobs, job)
        }

    def busy(self, window: Interval, where: Filter) -> Iterator[BusyRow]:
        """Yield the runs whose busy interval, or open time until the last proof of life, touches the window."""
        yield from _busy_rows([*self._within("busy", window), *self._within("open", window)], where)

    def open_runs(self, where: Filter) -> Iterator[BusyRow]:
        """Yield the runs without an end, up to their last proof of life."""
        yield from _busy_rows(self._within("open", ALWAYS), where)

    def page(
        self, where: Filter, window: Interval | None, after: Sequence[int | str] | None, limit: int
    ) -> list[RunRow]:
        """List runs, newest anchor first, ties by service, task, attempt, run and submission, behind a row."""
        clause, values = _among("r", where, ("job", "queue", "worker"))
        for column, wanted in (("state", where.states), ("outcome", where.outcomes)):
            if wanted is not None:
                clause += f" AND r.{column} = ANY(%s::text[])"
                values += (list(wanted),)
        if window is not None:
            clause += " AND r.anchor_us >= %s AND r.anchor_us < %s"
            values += window
        if after is not None:
            clause += (
                " AND r.anchor_us <= %s AND (r.anchor_us < %s"
                " OR (t.service, t.task, r.attempt, r.run, r.submission) > (%s, %s, %s, %s, %s))"
            )
            values += (after[0], *after)
        order = " ORDER BY r.anchor_us DESC, t.service, t.task, r.attempt, r.run, r.submission LIMIT %s"
        query = f"{self._sql['runs']} WHERE true{clause}{order}"
        return [run_row(row) for row in self._rows(query, (*values, limit))]

    # --- workers ---

    def presence(self, window: Interval) -> Iterator[PresenceRow]:
        """Yield the spans that touch the window."""
        for name in ("presence", "bootless"):
            yield from (PresenceRow(*row) for row in self._within(name, window))

    def serves(self, row: PresenceRow) -> set[str]:
        """Give the queues that the boot of a span, or the worker without one, serves."""
        if row.boot == 0:
            return self._served_by_workers.get((row.service, row.worker), set())
        return {queue for (queue,) in self._rows(self._sql["served_by_boot"], {"boot": row.boot})}

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
        return {
            (service, job): registry.unpack(folded)
            for service, job, folded in self._rows(self._sql["registered"])
            if _matches(where.services, service) and _matches(where.jobs, job)
        }

    def last_finished(self, where: Filter) -> dict[Name, LastRun]:
        """Give the newest finished run of each job."""
        clause, values = _among("r", where, ("job", "queue"))
        found = self._rows(self._sql["last_finished"].replace("/* filter */", clause), values)
        return {(service, job): LastRun(*row) for service, job, *row in found}

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
        found = self._rows(self._sql["runs"] + " WHERE r.task = ANY(%s::bigint[])", (list(tasks),))
        return (run_row(row) for row in found)

    def gaps(self, where: Filter) -> list[Gap]:
        """Give what senders of these services say that they dropped."""
        query, values = self._sql["events"] + " WHERE e.type = 'spool.gap'", []
        if where.services is not None:
            query += " AND e.service = ANY(%s::text[])"
            values.append(list(where.services))
        return [gaps.gap(rows.event_from_row(row[:-1])) for row in self._rows(query, values)]

    def events(self) -> Iterator[tuple[Event, int]]:
        """Yield every fact of the log with its content hash, by time, then id."""
        for row in stream(self._connection, self._sql["events"] + _BY_TIME):
            yield rows.event_from_row(row[:-1]), row[-1]


_BY_JOB = {
    "submitted_us": "",
    "anchor_us": "",
    "finished_us": " AND r.job IN (SELECT id FROM name WHERE kind = 'job')",
}
"""The times of a run, each with what makes its index usable: finishes are indexed by job."""


_BY_TIME = " ORDER BY e.time_us, length(e.id) = 16, e.id"
"""Ids that are no UUIDs stand in front of those that are: any order will do that is the same on every store."""


def stream(connection: Connection, query: str) -> Iterator[tuple[Any, ...]]:
    """Read rows while they come, in bounded memory: a cursor of the server."""
    with connection.cursor(name=f"c{next(_numbers)}") as cursor:
        cursor.itersize = 2000
        yield from cursor.execute(query, binary=True)


_numbers = count()


def run_row(row: Sequence[Any]) -> RunRow:
    """Read a run; the columns are those of `runs` in questions.sql."""
    return RunRow._make(row)


def _busy_rows(found: Iterable[tuple[Any, ...]], where: Filter) -> Iterator[BusyRow]:
    for row in found:
        if _matches(where.services, row[0]) and _matches(where.queues, row[1]):
            yield BusyRow(*row)


def _values(packed: bytes | None) -> Ints:
    """Read whole numbers that came as one value: a tenth of the time that a row each takes."""
    return np.frombuffer(packed or b"", ">i8").astype(np.int64)


def _matches(wanted: Sequence[str] | None, value: str) -> bool:
    return wanted is None or value in wanted


def _among(alias: str, where: Filter, kinds: Sequence[str]) -> tuple[str, tuple[Any, ...]]:
    """Restrict the name columns of a table; the service of a row is that of its names."""
    clause = ""
    values: list[Any] = []
    wanted = {"job": where.jobs, "queue": where.queues, "worker": where.workers}
    for position, kind in enumerate(kinds):
        names, services = wanted[kind], where.services if position == 0 else None
        if names is None and services is None:
            continue
        clause += f" AND {alias}.{kind} IN (SELECT id FROM name WHERE kind = '{kind}'"
        for column, among in (("name", names), ("service", services)):
            if among is not None:
                clause += f" AND {column} = ANY(%s::text[])"
                values.append(list(among))
        clause += ")"
    return clause, tuple(values)
