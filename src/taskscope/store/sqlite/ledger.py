"""The write side of the store, for the length of one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.core import presence, registry, sketch, task
from taskscope.core.clock import DAY
from taskscope.store import change_log, rows
from taskscope.store.sqlite.queries import statements
from taskscope.store.sqlite.series import tally

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from taskscope.core.cells import JobCell, JobKey, WorkerKey
    from taskscope.core.events import Event
    from taskscope.core.presence import Boot
    from taskscope.core.registry import Job
    from taskscope.core.runs import Run, View
    from taskscope.core.task import Task
    from taskscope.ports import BootKey, Identity, Name, TaskChange, TaskKey
    from taskscope.store.sqlite.names import Names

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
        self._id_columns: dict[str, bytes | str] = {}
        self._boot_ids: dict[BootKey, int] = {}
        self._heard: set[BootKey] = set()
        self._received = 0

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
        found: dict[Identity, int] = {}
        wanted = set(identities)
        self._id_columns = {name: rows.id_to_column(name) for name, _ in identities}
        for part in _chunks(list(self._id_columns.values())):
            marks = ",".join("?" * len(part))
            query = f"SELECT id, time_us, hash FROM event WHERE id IN ({marks})"
            for column, time, content in self._connection.execute(query, part):
                identity = (rows.id_from_column(column), time)
                if identity in wanted:
                    found[identity] = content
        return found

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
            query = f"SELECT id, service, task, folded FROM task WHERE key IN ({marks})"
            for number, service, name, folded in self._connection.execute(query, part):
                if (service, name) in wanted:
                    self._task_ids[service, name] = number
                    found[service, name] = task.unpack(folded)
        return found

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

    def due(self, mark: int, limit: int) -> list[TaskKey]:
        """Give tasks with a run of which inference may say something new at this mark, at most `limit` of them."""
        return list(self._connection.execute(self._sql["due"], (mark, limit)))

    # --- writing ---

    def append(self, facts: Sequence[tuple[Event, int]], received: int) -> None:
        """Put facts with their content hashes into the log; none of them is known."""
        [seq] = self._connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        self._received = received
        lines = [self._event_row(seq + i, event, content) for i, (event, content) in enumerate(facts, start=1)]
        self._connection.executemany(self._sql["append"], lines)

    def _event_row(self, seq: int, event: Event, content: int) -> tuple[Any, ...]:
        service = event.service
        if event.task is not None:
            subject, boot = self._ensure_task((service, event.task)), None
            if event.boot is not None:
                self._ensure_boot((service, event.boot, ""))
        elif event.type.startswith("worker."):
            key = presence.boot_key(event)
            self._heard.add(key)
            subject, boot = None, self._ensure_boot(key)
        else:
            subject, boot = None, None
        return (
            seq,
            self._id_columns.get(event.id) or rows.id_to_column(event.id),
            event.time,
            content,
            self._received,
            event.type,
            service,
            subject,
            boot,
            event.attempt,
            event.run,
            *self._names.triple(service, event.job, event.queue, event.worker),
            event.boot,
            event.duration,
            rows.data_to_column(event.data),
        )

    def save_tasks(self, changes: Sequence[TaskChange]) -> None:
        """Write tasks and their runs."""
        tasks: list[tuple[Any, ...]] = []
        runs: list[tuple[Any, ...]] = []
        gone: list[tuple[Any, ...]] = []
        for change in changes:
            number = self._ensure_task(change.key)
            new = change.new
            job, queue, _ = self._names.triple(new.service, new.job, new.queue, None)
            folded = task.pack(change.folded)
            columns = rows.task_columns(change.key)
            tasks.append((number, *columns, folded, new.state, int(new.cancelled), job, queue, new.first))
            before = _by_key(change.old)
            for run in new.runs:
                key = (run.attempt, run.run, run.submission)
                if before.get(key) == run:
                    del before[key]
                else:
                    runs.append(self._run_row(number, new.service, run))
            gone += [(number, *key) for key in before]
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
            if self._next_task == 0:
                [self._next_task] = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM task").fetchone()
            number = self._task_ids[key] = self._next_task
            self._next_task += 1
        return number

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
