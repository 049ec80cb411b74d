"""The write side of the store, for the length of one transaction."""

from __future__ import annotations

from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any

from taskscope.core import presence, registry, sketch, task
from taskscope.core.clock import DAY
from taskscope.core.plain import NONE, limit_of
from taskscope.store import change_log, rows
from taskscope.store.sqlite.queries import statements
from taskscope.store.sqlite.series import tally

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from taskscope.core.cell_columns import Cells
    from taskscope.core.cells import JobCell, JobKey, WorkerKey
    from taskscope.core.events import Event
    from taskscope.core.plain_columns import Columns, Ints
    from taskscope.core.presence import Boot, Life
    from taskscope.core.registry import Job
    from taskscope.core.runs import Run, View
    from taskscope.core.task import Task
    from taskscope.ports import BootKey, Identity, Name, TaskChange, TaskKey
    from taskscope.store.rows import Triple
    from taskscope.store.sqlite.names import Names
    from taskscope.store.sqlite.plain import SqliteBatch, SqlitePlain

_CHUNK = 500


class SqliteLedger:
    """Writes within one `BEGIN IMMEDIATE` transaction, so nobody else writes meanwhile."""

    def __init__(self, connection: sqlite3.Connection, names: Names) -> None:
        """Work on a connection that has begun its transaction."""
        self._connection = connection
        self._names = names
        self._sql = statements("ledger")
        self._cells = statements("cells")
        self._task_ids: dict[TaskKey, int] = {}
        self._looked_up: set[TaskKey] = set()
        self._next_task = 0
        self._ids: list[str] = []
        self._id_columns: list[bytes | str] = []
        self._laid: SqliteBatch | None = None
        self._boot_ids: dict[BootKey, int] = {}
        self._heard: set[BootKey] = set()
        self._received = 0
        self._based: set[TaskKey] = set()

    # --- the mark and counters ---

    def mark(self) -> int:
        """Give the greatest `now` that a sweep has passed, 0 before the first."""
        return self._meta("mark")

    def move_mark(self, now: int) -> None:
        """Raise the mark; it never falls."""
        if now > self.mark():
            self.note("mark", now)

    def count(self, refused: Mapping[str, int]) -> None:
        """Count what was refused, by reason."""
        for reason, count in refused.items():
            self.note(f"refused.{reason}", self._meta(f"refused.{reason}") + count)

    def received(self, accepted: int, duplicates: int) -> None:
        """Count what was accepted, and what was known already."""
        for key, count in (("facts.accepted", accepted), ("facts.duplicates", duplicates)):
            if count:
                self.note(key, self._meta(key) + count)

    def tally(self, changes: Mapping[tuple[str, str, str], list[int]]) -> None:
        """Move the counters of some (service, job, queue)."""
        tally(self._connection, self._names, changes)

    def log_change(self, tasks: Sequence[TaskKey] | None) -> None:
        """Say that something changed that is shown, and these tasks; None: more of them than anybody wants to know."""
        packed = None
        if tasks is not None and len(tasks) <= change_log.MOST_TASKS:
            packed = change_log.pack([self._ensure_task(key) for key in tasks])
        [number] = self._connection.execute(self._sql["next_change"]).fetchone()
        self._connection.execute(self._sql["log_change"], (number, change_log.new_token(), packed))
        self._connection.execute(self._sql["forget_changes"], (number - change_log.KEPT,))

    def _meta(self, key: str) -> int:
        row = self._connection.execute(self._sql["read_meta"], (key,)).fetchone()
        return row[0] if row else 0

    def note(self, key: str, value: int) -> None:
        """Write one of the store's own numbers, with its checksum."""
        self._connection.execute(self._sql["write_meta"], (key, value, rows.checksum((key, value))))

    # --- what is known ---

    def known(self, identities: Sequence[Identity]) -> dict[Identity, int]:
        """Give the content hash of those facts that are in the log."""
        names = [name for name, _ in identities]
        columns = self._id_columns = rows.ids_to_columns(names)
        self._ids = names
        stored: list[tuple[bytes | str, int, int]] = []
        for part in _chunks(columns):
            marks = ",".join("?" * len(part))
            stored += self._connection.execute(f"SELECT id, time_us, hash FROM event WHERE id IN ({marks})", part)
        wanted = set(identities) if stored else set()
        found = {(rows.id_from_column(column), time): content for column, time, content in stored}
        return {identity: content for identity, content in found.items() if identity in wanted}

    def sealed(self, days: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Give those of the (service, day) pairs in which facts of dropped tasks lie."""
        query = "SELECT 1 FROM sealed_day WHERE service = ? AND day_us = ?"
        return {day for day in days if self._connection.execute(query, day).fetchone()}

    def tasks(self, keys: Iterable[TaskKey]) -> dict[TaskKey, Task]:
        """Give the folds of those tasks that are known; the caller owns them."""
        wanted = set(keys)
        self._looked_up |= wanted
        found: dict[TaskKey, Task] = {}
        for part in _chunks(list({rows.task_key(key) for key in wanted})):
            marks = ",".join("?" * len(part))
            query = f"SELECT id, service, task, folded, base IS NOT NULL FROM task WHERE key IN ({marks})"
            for number, service, name, folded, based in self._connection.execute(query, part).fetchall():
                if (service, name) in wanted:
                    self._task_ids[service, name] = number
                    found[service, name] = task.unpack(folded) if folded else self._folded_anew(number)
                    if based:
                        self._based.add((service, name))
        return found

    def _folded_anew(self, number: int) -> Task:
        """Fold the facts of a plain task: its fold is not stored."""
        query = self._sql["facts_of_task"]
        return task.fold(rows.event_from_row(row) for row in self._connection.execute(query, (number,)))

    def boots(self, keys: Iterable[BootKey]) -> dict[BootKey, Boot]:
        """Give the folds of those boots that are known; the caller owns them."""
        query = "SELECT id, folded FROM boot WHERE service = ? AND boot = ? AND anonymous = ?"
        found: dict[BootKey, Boot] = {}
        for key in keys:
            row = self._connection.execute(query, key).fetchone()
            if row is not None:
                self._boot_ids[key] = row[0]
                found[key] = presence.unpack(row[1])
        return found

    def jobs(self, keys: Iterable[Name]) -> dict[Name, Job]:
        """Give the folds of those jobs that are registered; the caller owns them."""
        found: dict[Name, Job] = {}
        for service, name in keys:
            number = self._names.find("job", service, name)
            row = self._connection.execute("SELECT folded FROM job WHERE name = ?", (number,)).fetchone()
            if row is not None:
                found[service, name] = registry.unpack(row[0])
        return found

    def unended(self, boots: Iterable[BootKey], jobs: Iterable[Name]) -> set[TaskKey]:
        """Give the tasks with a run of these boots or jobs whose end no fact states."""
        found: set[TaskKey] = set()
        for key in boots:
            if (boot := self._boot_id(key)) is not None:
                found.update(self._connection.execute(self._sql["unended_of_boot"], (boot,)))
        for service, name in jobs:
            if (job := self._names.find("job", service, name)) is not None:
                found.update(self._connection.execute(self._sql["unended_of_job"], (job,)))
        return found

    def unnamed(self, keys: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        """Give those (kind, service, name) that the store does not know."""
        return {key for key in keys if self._names.find(*key) is None}

    def name_counts(self) -> dict[str, int]:
        """Count the names of each kind."""
        return dict(self._connection.execute(statements("history")["name_counts"]))

    def due(self, mark: int, limit: int) -> list[TaskKey]:
        """Give tasks with a run of which inference may say something new at this mark, at most `limit` of them."""
        return list(self._connection.execute(self._sql["due"], (mark, limit)))

    # --- writing ---

    def append(self, facts: Sequence[tuple[Event, int]], received: int) -> None:
        """Put facts with their content hashes into the log; none of them is known."""
        [seq] = self._connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        self._received = received
        events = [event for event, _ in facts]
        ids = [event.id for event in events]
        subjects, boots, names = self._subjects(events)
        jobs, queues, workers = zip(*names, strict=True)
        self._connection.executemany(
            self._sql["append"],
            zip(
                range(seq + 1, seq + 1 + len(events)),
                self._id_columns if ids == self._ids else rows.ids_to_columns(ids),
                [e.time for e in events],
                [content for _, content in facts],
                repeat(received),
                [e.type for e in events],
                [e.service for e in events],
                subjects,
                boots,
                [e.attempt for e in events],
                [e.run for e in events],
                jobs,
                queues,
                workers,
                [e.boot for e in events],
                [e.duration for e in events],
                [rows.data_to_column(e.data) if e.data else None for e in events],
            ),
        )

    def _subjects(self, events: Sequence[Event]) -> tuple[list[int | None], list[int | None], list[Triple]]:
        """Give the task of each fact, the boot of each worker fact, and the names that each bears; all are made."""
        laid, self._laid = self._laid, None
        if laid is not None and len(laid.events) == len(events):  # all of them stand in columns already
            numbers = laid.numbers
            return [numbers[place] for place in laid.places], [None] * len(events), laid.names
        tasks: list[int | None] = []
        boots: list[int | None] = []
        for event in events:
            task_id = boot_id = None
            if event.task is not None:
                task_id = self._ensure_task((event.service, event.task))
                if event.boot is not None:
                    self._ensure_boot((event.service, event.boot, ""))
            elif event.type.startswith("worker."):
                key = presence.boot_key(event)
                self._heard.add(key)
                boot_id = self._ensure_boot(key)
            tasks.append(task_id)
            boots.append(boot_id)
        return tasks, boots, self._names.triples(events)

    def save_tasks(self, changes: Sequence[TaskChange]) -> None:
        """Write tasks and their runs."""
        tasks: list[tuple[Any, ...]] = []
        runs: list[tuple[Any, ...]] = []
        gone: list[tuple[Any, ...]] = []
        for change in changes:
            number = self._ensure_task(change.key)
            new = change.new
            job, queue, _ = self._names.triple(new.service, new.job, new.queue, None)
            limit = None if change.key in self._based else limit_of(change.folded)
            folded = task.pack(change.folded) if limit is None else b""
            columns = rows.task_columns(change.key)
            limit = None if limit == NONE else limit
            tasks.append((number, *columns, folded, new.state, int(new.cancelled), job, queue, new.first, limit))
            before = _by_key(change.old)
            for run in new.runs:
                key = (run.attempt, run.run, run.submission)
                if before.get(key) == run:
                    del before[key]
                else:
                    runs.append(self._run_row(number, new.service, run))
            gone += [(number, *key) for key in before]
        self._names.recent.drop(change.key for change in changes)
        self._connection.executemany(self._sql["save_task"], tasks)
        if gone:
            self._connection.executemany(self._sql["drop_run"], gone)
        self._connection.executemany(self._sql["save_run"], runs)

    def _run_row(self, number: int, service: str, run: Run) -> tuple[Any, ...]:
        boot = self._ensure_boot((service, run.boot, "")) if run.boot else None
        return rows.run_to_row(number, run, self._names.triple(service, run.job, run.queue, run.worker), boot)

    def save_boots(self, boots: Mapping[BootKey, Boot]) -> None:
        """Write boots and their presence."""
        for key, boot in boots.items():
            number = self._ensure_boot(key)
            worker = None if boot.worker is None else self._names.ensure("worker", key[0], boot.worker[2])
            life = boot.life()
            received = self._received if key in self._heard else 0
            values = (presence.pack(boot), received, worker, life and life.heartbeat, life and life.ttl, number)
            self._connection.execute(self._sql["save_boot"], values)
            self._connection.execute(self._sql["drop_presence"], (number,))
            spans = [(number, start, end) for start, end in boot.spans(cut=bool(key[1]))]
            self._connection.executemany(self._sql["save_presence"], spans)
            self._connection.execute(self._sql["drop_queues"], (number,))
            queues = [(number, self._names.ensure("queue", key[0], queue)) for queue in boot.serves()]
            self._connection.executemany(self._sql["save_queue"], queues)

    def save_jobs(self, jobs: Mapping[Name, Job]) -> None:
        """Write registered jobs."""
        for (service, name), job in jobs.items():
            number = self._names.ensure("job", service, name)
            self._connection.execute(self._sql["save_job"], (number, registry.pack(job), registry.limit(job)))

    # --- plain tasks, in columns ---

    @cached_property
    def _plain(self) -> SqlitePlain:
        from taskscope.store.sqlite.plain import SqlitePlain  # noqa: PLC0415 - only large batches need NumPy

        return SqlitePlain(self._connection, self._names, self._ensure_boot)

    def plain(self, events: Sequence[Event]) -> SqliteBatch:
        """Lay facts of tasks out in columns, beside their tasks as they stand; before they are appended."""
        batch = self._plain.read(events)
        first = number = self._next_task or self._first_free()
        for place, known in enumerate(batch.numbers):
            if not known:
                batch.numbers[place] = number
                number += 1
        if number > first:
            self._next_task = number
        self._task_ids.update(zip(batch.keys, batch.numbers, strict=True))
        self._laid = batch
        return batch

    def limits(self, jobs: Iterable[int]) -> dict[int, int]:
        """Give the registered limits of those of the jobs that have one, by number."""
        return self._plain.limits(jobs)

    def lives(self, boots: Iterable[int]) -> dict[int, Life]:
        """Give the lives of those of the boots that sent a heartbeat, by number."""
        return self._plain.lives(boots)

    def save_plain(self, batch: SqliteBatch, new: Columns, chosen: Ints) -> None:
        """Write the plain tasks at some positions of a batch, whose rows are now `new`."""
        self._plain.write(batch, new, chosen)

    def add_columns(self, jobs: Cells, workers: Cells, now: int) -> None:
        """Add changes to the cells; those that become empty disappear."""
        from taskscope.store.sqlite import cell_columns  # noqa: PLC0415 - only large batches need NumPy

        cell_columns.add(self._connection, jobs, workers, now)

    def of_series(self, changes: Mapping[tuple[int, int], list[int]]) -> dict[tuple[str, str, str], list[int]]:
        """Name what is given by the numbers of a job and a queue: (service, job, queue)."""
        query = "SELECT j.service, j.name, q.name FROM name AS j, name AS q WHERE j.id = ? AND q.id = ?"
        return {self._connection.execute(query, pair).fetchone(): change for pair, change in changes.items()}

    # --- cells ---

    def add(self, jobs: Mapping[JobKey, JobCell], workers: Mapping[WorkerKey, list[int]], now: int) -> None:
        """Add changes to the cells; those that become empty disappear."""
        coarse: dict[int, int] = dict(self._connection.execute("SELECT day_us, finest FROM coarse_day"))
        kept_jobs = {key: cell for key, cell in jobs.items() if key[0] >= coarse.get(key[1] // DAY * DAY, 0)}
        kept_workers = {key: work for key, work in workers.items() if key[0] >= coarse.get(key[1] // DAY * DAY, 0)}
        job_keys = [self._cell_key("job", key) for key in kept_jobs]
        worker_keys = [self._cell_key("worker", key) for key in kept_workers]
        self._connection.executemany(
            self._cells["add_cell"],
            [
                (*key, *cell.counts, sketch.pack(cell.histogram), now)
                for key, cell in zip(job_keys, kept_jobs.values(), strict=True)
            ],
        )
        self._connection.executemany(
            self._cells["add_worker_cell"],
            [(*key, *work, now) for key, work in zip(worker_keys, kept_workers.values(), strict=True)],
        )
        lowered = [key for key, cell in zip(job_keys, kept_jobs.values(), strict=True) if min(cell.counts) < 0]
        self._connection.executemany(self._cells["drop_empty_cells"], lowered)
        lowered = [
            key for key, work in zip(worker_keys, kept_workers.values(), strict=True) if min(work) < 0 or work[1]
        ]
        self._connection.executemany(self._cells["drop_empty_worker_cells"], lowered)

    def _cell_key(self, kind: str, key: JobKey | WorkerKey) -> tuple[int, int, int, int]:
        granularity, start, service, name, queue = key
        return (
            granularity,
            start,
            self._names.ensure(kind, service, name),
            self._names.ensure("queue", service, queue),
        )

    # --- subjects as numbers ---

    def _ensure_task(self, key: TaskKey) -> int:
        """Give the number of a task; a new one gets the next number and its row when it is saved."""
        number = self._task_ids.get(key)
        if number is None and key not in self._looked_up:
            self.tasks([key])
            number = self._task_ids.get(key)
        if number is None:
            self._next_task = self._next_task or self._first_free()
            number = self._task_ids[key] = self._next_task
            self._next_task += 1
        return number

    def _first_free(self) -> int:
        [number] = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM task").fetchone()
        return int(number)

    def _boot_id(self, key: BootKey) -> int | None:
        number = self._boot_ids.get(key)
        if number is None:
            self.boots([key])
        return self._boot_ids.get(key)

    def _ensure_boot(self, key: BootKey) -> int:
        number = self._boot_id(key)
        if number is None:
            values = (*key, presence.pack(presence.Boot()))
            number = self._boot_ids[key] = int(self._connection.execute(self._sql["new_boot"], values).lastrowid or 0)
        return number


def _by_key(view: View | None) -> dict[tuple[int, str, str], Run]:
    return {(run.attempt, run.run, run.submission): run for run in view.runs} if view else {}


def _chunks(values: list[Any]) -> Iterator[list[Any]]:
    for position in range(0, len(values), _CHUNK):
        yield values[position : position + _CHUNK]
