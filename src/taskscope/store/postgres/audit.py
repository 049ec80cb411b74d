"""Everything that the store holds, raw, for `verify`."""

from __future__ import annotations

import struct
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from taskscope.core import sketch
from taskscope.core.cells import JobCell
from taskscope.ports import Damage, StoredBoot, StoredFact, StoredJob, StoredTask
from taskscope.store.postgres import rows
from taskscope.store.postgres.packs import PostgresPacks
from taskscope.store.postgres.queries import statements
from taskscope.store.postgres.questions import PostgresQuestions, run_row, stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from taskscope.core.cells import JobKey, WorkerKey
    from taskscope.store.postgres.connection import Connection


class PostgresAudit:
    """Reads within one transaction, by cursors of the server that go side by side."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection that has begun its transaction."""
        self._connection = connection
        self._sql = statements("audit")
        self._runs = statements("questions")["runs"]
        self._unreadable: list[Damage] = []
        self.packs = PostgresPacks(connection)

    def _stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        return stream(self._connection, query)

    def mark(self) -> int:
        """Give the mark."""
        return PostgresQuestions(self._connection).mark()

    # --- subjects ---

    def tasks(self) -> Iterator[StoredTask]:
        """Yield every task with its runs and facts."""
        facts = self._facts_by("e.task")
        runs = _Groups(self._stream(self._runs.replace("SELECT", "SELECT r.task,", 1) + " ORDER BY r.task"))
        for row in self._stream(self._sql["tasks"]):
            number, service, name, *stored = row
            found = [run_row(run) for run in runs.of(number)]
            yield StoredTask._make(((service, name), *stored, found, self._facts_of(facts.of(number)), None))

    def boots(self) -> Iterator[StoredBoot]:
        """Yield every boot with its presence and facts."""
        facts = self._facts_by("e.subject_boot")
        spans = _Groups(self._stream(self._sql["presence"]))
        queues = _Groups(self._stream(self._sql["queues"]))
        for row in self._stream(self._sql["boots"]):
            number, service, boot, anonymous, *stored = row
            there = [(start, end) for start, end in spans.of(number)]
            served = [queue for (queue,) in queues.of(number)]
            key = (service, boot, anonymous)
            yield StoredBoot._make((key, *stored, there, served, self._facts_of(facts.of(number))))

    def jobs(self) -> Iterator[StoredJob]:
        """Yield every registered job with its facts."""
        facts = self._facts_by("e.job", " AND e.type = 'job.registered'")
        for row in self._stream(self._sql["jobs"]):
            number, service, name, *stored = row
            yield StoredJob._make(((service, name), *stored, self._facts_of(facts.of(number))))

    def samples(self) -> Iterator[StoredFact]:
        """Yield the facts that are folded into nothing."""
        query = self._sql["facts"] + " WHERE e.task IS NULL AND e.subject_boot IS NULL AND e.type != 'job.registered'"
        for row in self._stream(query):
            yield from self._facts_of([row])

    def _facts_by(self, column: str, condition: str = "") -> _Groups:
        query = self._sql["facts"].replace("SELECT", f"SELECT {column},", 1)
        return _Groups(self._stream(f"{query} WHERE {column} IS NOT NULL{condition} ORDER BY {column}"))

    def _facts_of(self, found: Iterable[tuple[Any, ...]]) -> list[StoredFact]:
        facts = []
        for row in found:
            try:
                facts.append(StoredFact(rows.event_from_row(row[:13]), row[13], row[14]))
            except (msgspec.DecodeError, UnicodeDecodeError, TypeError, AttributeError) as error:
                self._unreadable.append(Damage("event", f"{row[0]!r} {row[2]}", f"can't be read: {error}"))
        return facts

    def unreadable(self) -> list[Damage]:
        """Give the rows that could not be read so far."""
        return self._unreadable

    # --- cells ---

    def cells(self, *, sealed: bool) -> Iterator[tuple[JobKey, JobCell]]:
        """Yield every cell by job, or every sealed part of one."""
        table = "sealed_cell" if sealed else "cell"
        for row in self._stream(self._sql[f"{table}s"]):
            *counts, histogram = row[4:-4]
            try:
                cell = JobCell(counts, sketch.unpack(histogram))
            except struct.error as error:
                self._unreadable.append(Damage(table, f"{row[:2]} {row[-3:]}", f"can't be read: {error}"))
                continue
            yield (row[0], row[1], *row[-3:]), cell

    def worker_cells(self, *, sealed: bool) -> Iterator[tuple[WorkerKey, list[int]]]:
        """Yield every cell by worker, or every sealed part of one."""
        for row in self._stream(self._sql["sealed_worker_cells" if sealed else "worker_cells"]):
            yield (row[0], row[1], *row[-3:]), list(row[4:-4])

    def coarse_days(self) -> dict[int, int]:
        """Give the number of the finest granularity that is kept, for the days that have lost some."""
        return dict(self._stream(self._sql["coarse_days"]))

    def series(self) -> Iterator[tuple[tuple[str, str, str], bytes]]:
        """Yield the counters of each (service, job, queue), packed."""
        for service, job, queue, packed in self._stream(self._sql["series"]):
            yield (service, job, queue), packed

    # --- damage ---

    def damage(self) -> Iterator[Damage]:
        """Yield the rows whose checksum does not fit or whose reference leads nowhere."""
        for table, row, parent in self._stream(self._sql["dangling"]):
            yield Damage(table, row, f"refers to a missing row of {parent}")
        yield from self._checksums()
        for column, time in self._stream(self._sql["lone_facts"]):
            yield Damage("event", f"{rows.id_from_column(column)} {time}", "has no subject")
        for table, key in self._stream(self._sql["stray_bases"]):
            yield Damage(table, str(key), "has half a base")
        yield from self._misplaced_tasks()
        for (key,) in self._stream(self._sql["misused_names"]):
            yield Damage("name", key, "stands where a name of another kind or service belongs")
        for (key,) in self._stream(self._sql["foreign_boots"]):
            yield Damage("boot", key, "runs of another service refer to it")
        for table, found, counted in self._stream(self._sql["sealed_counts"]):
            if found != counted:
                yield Damage(table, "-", f"has {found} rows and should have {counted}")

    def _misplaced_tasks(self) -> Iterator[Damage]:
        for key, service, name in self._stream(self._sql["task_keys"]):
            if rows.task_key((service, name)) != key:
                yield Damage("task", f"{service}/{name}", "can't be found under its key")
        for (name,) in self._stream(self._sql["repeated_tasks"]):
            yield Damage("task", name, "stands more than once")

    def _checksums(self) -> Iterator[Damage]:
        for name in [name for name in self._sql if name.startswith("protected_")]:
            for table, key, crc, *values in self._stream(self._sql[name]):
                if rows.checksum(values) != crc:
                    yield Damage(table, str(key), "checksum")
        for name, table in (("sealed_cells", "sealed_cell"), ("sealed_worker_cells", "sealed_worker_cell")):
            for row in self._stream(self._sql[name]):
                place = (*row[:2], *row[-3:])
                if rows.checksum((*place, *row[4:-4])) != row[-4]:
                    yield Damage(table, "/".join(str(value) for value in place), "checksum")


class _Groups:
    """Rows that come ordered by their first column, handed out group by group."""

    def __init__(self, ordered: Iterator[tuple[Any, ...]]) -> None:
        self._groups = groupby(ordered, key=itemgetter(0))
        self._next = next(self._groups, None)

    def of(self, key: int) -> list[tuple[Any, ...]]:
        """Give the rows of one key, without it; keys are asked for in their order."""
        while self._next is not None and self._next[0] < key:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != key:
            return []
        found = [row[1:] for row in self._next[1]]
        self._next = next(self._groups, None)
        return found
