"""The side of the store that forgets, for the length of one transaction.

Whatever it does keeps the equations that `verify` checks: the fold of base and facts is the task, and sealed parts
and contributions of the tasks that are kept are the cells.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from taskscope.core import presence, registry, sketch, task
from taskscope.core.cells import JobCell
from taskscope.core.clock import DAY
from taskscope.store import rows
from taskscope.store.sqlite.audit import sealed_values
from taskscope.store.sqlite.queries import statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from taskscope.core.cells import JobKey, WorkerKey
    from taskscope.core.events import Event
    from taskscope.core.runs import Run, View
    from taskscope.ports import TaskKey
    from taskscope.store.sqlite.ledger import SqliteLedger
    from taskscope.store.sqlite.names import Names


_ALL = 1 << 62
"""Behind every sequence number."""


class SqliteArchive:
    """Forgets within one `BEGIN IMMEDIATE` transaction."""

    def __init__(self, connection: sqlite3.Connection, names: Names, ledger: SqliteLedger) -> None:
        """Work on a connection that has begun its transaction."""
        self._connection = connection
        self._names = names
        self.ledger = ledger
        self._sql = statements("archive")
        self._cells = statements("cells")
        self._facts = statements("audit")["facts"]

    def close(self) -> None:
        """Write down how many rows there are that nothing else tells of, so that the loss of one is noticed."""
        for table, found, counted in self._connection.execute(statements("audit")["sealed_counts"]).fetchall():
            if found != counted:
                self.ledger.note(f"rows.{table}", found)

    # --- what is old ---

    def bound(self, horizon: int) -> int:
        """Give the sequence number before which every fact was received before the horizon."""
        row = self._connection.execute(self._sql["bound"], (horizon,)).fetchone()
        if row is None:
            row = self._connection.execute("SELECT coalesce(max(seq), 0) + 1 FROM event").fetchone()
        return int(row[0])

    def aged(self, bound: int, limit: int) -> list[TaskKey]:
        """Give tasks with facts before the bound, at most `limit` of them."""
        return self._connection.execute(self._sql["aged"], (bound, limit)).fetchall()

    def bare(self) -> list[TaskKey]:
        """Give the tasks of which the log holds no fact any more."""
        return self._connection.execute(self._sql["bare"]).fetchall()

    def newest(self, count: int) -> set[TaskKey]:
        """Give the tasks that hold one of the newest `count` finished runs of any job."""
        held: set[TaskKey] = set()
        for (job,) in self._connection.execute("SELECT id FROM name WHERE kind = 'job'").fetchall():
            held.update(self._connection.execute(self._sql["newest"], (job, count)))
        return held

    def fresh(self, keys: Sequence[TaskKey], bound: int) -> set[TaskKey]:
        """Give those of the tasks that have facts from the bound on."""
        query = self._sql["fresh"]
        return {key for key in keys if self._connection.execute(query, (*rows.task_columns(key), bound)).fetchone()}

    # --- bases ---

    def _base_of(self, key: TaskKey) -> tuple[int, bytes | None, str | None]:
        row: tuple[int, bytes | None, str | None]
        row = self._connection.execute(self._sql["base_of_task"], rows.task_columns(key)).fetchone()
        return row

    def rebase(self, keys: Sequence[TaskKey], bound: int) -> None:
        """Fold the facts before the bound into the bases of these tasks, and drop them."""
        for key in keys:
            number, base, known_days = self._base_of(key)
            facts = self._old_facts("e.task = ?", number, bound)
            if not facts:
                continue
            self._keep_fold(number)
            folded = task.pack(task.fold(facts, task.unpack(base) if base else None))
            days = json.dumps(sorted({fact.time // DAY * DAY for fact in facts} | set(json.loads(known_days or "[]"))))
            crc = rows.checksum((*key, folded, days))
            self._connection.execute(self._sql["rebase_task"], (folded, days, crc, number))
            self._connection.execute(self._sql["forget_facts"], (number, bound))

    def _keep_fold(self, number: int) -> None:
        """Write the fold of a plain task, which its facts said so far."""
        [folded] = self._connection.execute("SELECT folded FROM task WHERE id = ?", (number,)).fetchone()
        if not folded:
            facts = self._old_facts("e.task = ?", number, _ALL)
            statement = "UPDATE task SET folded = ?, limit_us = NULL WHERE id = ?"
            self._connection.execute(statement, (task.pack(task.fold(facts)), number))

    def rebase_others(self, bound: int) -> int:
        """Fold worker and job facts before the bound into their bases and drop them; give how many facts went."""
        for number, service, name, base in self._connection.execute(
            self._sql["boots_with_old_facts"], (bound,)
        ).fetchall():
            facts = self._old_facts("e.subject_boot = ?", number, bound)
            folded = presence.pack(presence.fold(facts, presence.unpack(base) if base else None))
            crc = rows.checksum((service, name, folded, None))
            self._connection.execute(self._sql["rebase_boot"], (folded, crc, number))
        for number, service, name, base in self._connection.execute(
            self._sql["jobs_with_old_facts"], (bound,)
        ).fetchall():
            facts = self._old_facts("e.type = 'job.registered' AND e.job = ?", number, bound)
            registered = registry.pack(registry.fold(facts, registry.unpack(base) if base else None))
            crc = rows.checksum((service, name, registered, None))
            self._connection.execute(self._sql["rebase_job"], (registered, crc, number))
        return self._connection.execute(self._sql["forget_others"], (bound,)).rowcount

    def _old_facts(self, condition: str, number: int, bound: int) -> list[Event]:
        query = f"{self._facts} WHERE {condition} AND e.seq < ?"
        return [rows.event_from_row(row[:13]) for row in self._connection.execute(query, (number, bound))]

    # --- sealing ---

    def seal(self, views: Mapping[TaskKey, View]) -> None:
        """Drop these tasks with their runs and facts; seal their days, their workers' spans and queues."""
        for key, seen in views.items():
            number, _, known_days = self._base_of(key)
            days = {day for (day,) in self._connection.execute(self._sql["days_of_task"], (number,))}
            for day in days | set(json.loads(known_days or "[]")):
                self._connection.execute(self._sql["seal_day"], (key[0], day, rows.checksum((key[0], day))))
            for run in seen.runs:
                self._seal_run(key[0], run)
            for table, column in (("run", "task"), ("event", "task"), ("task", "id")):
                self._connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))

    def _seal_run(self, service: str, run: Run) -> None:
        """Keep what the presence of its worker still needs: the span of one without a boot, the queue of a boot."""
        if run.boot:
            queue = self._names.ensure("queue", service, run.queue)
            row = self._connection.execute(
                "SELECT id FROM boot WHERE service = ? AND boot = ? AND anonymous = ''", (service, run.boot)
            ).fetchone()
            crc = rows.checksum((service, run.boot, run.queue, None))
            self._connection.execute(self._sql["seal_queue"], (row[0], queue, crc))
        elif run.worker and (run.start is not None or run.finish is not None):
            worker = self._names.ensure("worker", service, run.worker)
            times = [run.anchor, *(() if run.finish is None else (run.finish,))]
            known = self._connection.execute(self._sql["read_sealed_worker"], (worker,)).fetchone()
            span = min((*times, *(known or ()))), max((*times, *(known or ())))
            crc = rows.checksum((service, run.worker, *span))
            self._connection.execute(self._sql["seal_worker"], (worker, *span, crc))

    def add_sealed(self, jobs: Mapping[JobKey, JobCell], workers: Mapping[WorkerKey, list[int]]) -> None:
        """Add contributions of dropped tasks to the sealed cells."""
        coarse: dict[int, int] = dict(self._connection.execute("SELECT day_us, finest FROM coarse_day"))
        for key, cell in jobs.items():
            if key[0] < coarse.get(key[1] // DAY * DAY, 0):
                continue
            place = (*key[:2], *self._numbers("job", key))
            known = self._connection.execute(self._cells["read_sealed_cell"], place).fetchone()
            total = JobCell(list(known[:-1]), sketch.unpack(known[-1])) if known else JobCell()
            total.add(cell)
            values = (*total.counts, sketch.pack(total.histogram))
            self._write_sealed("write_sealed_cell", key, place, values)
        for worker_key, work in workers.items():
            if worker_key[0] < coarse.get(worker_key[1] // DAY * DAY, 0):
                continue
            place = (*worker_key[:2], *self._numbers("worker", worker_key))
            known = self._connection.execute(self._cells["read_sealed_worker_cell"], place).fetchone()
            summed = tuple(a + b for a, b in zip(known or [0] * len(work), work, strict=True))
            self._write_sealed("write_sealed_worker_cell", worker_key, place, summed)

    def _numbers(self, kind: str, key: JobKey | WorkerKey) -> tuple[int, int]:
        return self._names.ensure(kind, key[2], key[3]), self._names.ensure("queue", key[2], key[4])

    def _write_sealed(
        self, statement: str, key: JobKey | WorkerKey, place: tuple[int, ...], values: tuple[Any, ...]
    ) -> None:
        crc = rows.checksum(sealed_values(key[:2], key[2:], values))
        self._connection.execute(self._cells[statement], (*place, *values, crc))

    # --- cells and presence ---

    def coarsen(self, minutes_before: int, hours_before: int) -> int:
        """Drop the minute and hour cells of days that last changed before these instants; give how many days."""
        count = 0
        for granularity, before in ((0, minutes_before), (1, hours_before)):
            days = [day for (day,) in self._connection.execute(self._sql["days_to_coarsen"], (granularity, before))]
            for day in days:
                finest = granularity + 1
                self._connection.execute(self._sql["coarsen_day"], (day, finest, rows.checksum((day, finest))))
                for table in ("cell", "worker_cell", "sealed_cell", "sealed_worker_cell"):
                    query = f"DELETE FROM {table} WHERE granularity <= ? AND start_us >= ? AND start_us < ?"
                    self._connection.execute(query, (granularity, day, day + DAY))
            count += len(days)
        return count

    def forget_presence(self, before: int) -> None:
        """Drop the presence of boots that nothing was heard of since an instant; what else they said stays."""
        query = """
            SELECT id, service, boot || anonymous, folded, base FROM boot AS b WHERE received_us < ?
            AND EXISTS (SELECT 1 FROM presence AS p WHERE p.boot = b.id)
            AND NOT EXISTS (SELECT 1 FROM event AS e WHERE e.subject_boot = b.id)"""
        for number, service, name, folded, base in self._connection.execute(query, (before,)).fetchall():
            kept, kept_base = _absent(folded), _absent(base)
            crc = rows.checksum((service, name, kept_base, None))
            statement = "UPDATE boot SET folded = ?, base = ?, base_crc = ? WHERE id = ?"
            self._connection.execute(statement, (kept, kept_base, crc, number))
            self._connection.execute("DELETE FROM presence WHERE boot = ?", (number,))


def _absent(packed: bytes) -> bytes:
    boot = presence.unpack(packed)
    boot.covered = []
    return presence.pack(boot)
