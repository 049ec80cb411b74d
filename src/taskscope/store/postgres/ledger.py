"""The write side of the store, for the length of one transaction: every statement is about a set of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.core import presence, registry, task
from taskscope.store import change_log
from taskscope.store.postgres import rows
from taskscope.store.postgres.arrays import array
from taskscope.store.postgres.cells import add_cells, add_worker_cells
from taskscope.store.postgres.queries import statements
from taskscope.store.postgres.series import tally
from taskscope.store.postgres.subjects import Subjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from taskscope.core.cells import JobCell, JobKey, WorkerKey
    from taskscope.core.events import Event
    from taskscope.core.presence import Boot
    from taskscope.core.registry import Job
    from taskscope.core.runs import Run, View
    from taskscope.core.task import Task
    from taskscope.ports import BootKey, Identity, Name, TaskChange, TaskKey
    from taskscope.store.postgres.connection import Connection
    from taskscope.store.postgres.names import Key, Names


class PostgresLedger:
    """Writes within one transaction that holds the lock of writers, so nobody else writes meanwhile."""

    def __init__(self, connection: Connection, names: Names) -> None:
        """Work on a connection that has begun its transaction and holds the lock."""
        self._connection = connection
        self._names = names
        self._subjects = Subjects(connection)
        self._sql = statements("ledger")
        self._ids: dict[str, bytes] = {}
        self._heard: set[BootKey] = set()
        self._received = 0

    def _rows(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._sql[name], values, binary=True).fetchall()

    def _write(self, name: str, lines: Sequence[Sequence[Any]]) -> None:
        if lines:
            self._connection.execute(self._sql[name], rows.columns(lines))

    def _copy(self, name: str, types: list[str], lines: Iterable[Sequence[Any]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(self._sql[name]) as copy:
            copy.set_types(types)
            for line in lines:
                copy.write_row(line)

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
            self._subjects.ensure(tasks, ())
            packed = change_log.pack([self._subjects.task(*key) for key in tasks])
        [[number]] = self._rows("log_change", change_log.new_token(), packed)
        self._rows("told", number - change_log.KEPT)

    def _meta(self, key: str) -> int:
        found = self._rows("read_meta", key)
        return found[0][0] if found else 0

    def note(self, key: str, value: int) -> None:
        """Write one of the store's own numbers, with its checksum."""
        self._connection.execute(self._sql["write_meta"], (key, value, rows.checksum((key, value))))

    # --- what is known ---

    def known(self, identities: Sequence[Identity]) -> dict[Identity, int]:
        """Give the content hash of those facts that are in the log."""
        wanted = set(identities)
        self._ids = {name: rows.id_to_column(name) for name, _ in wanted}
        found: dict[Identity, int] = {}
        for column, time, content in self._rows("known", array(list(self._ids.values()))):
            identity = (rows.id_from_column(column), time)
            if identity in wanted:
                found[identity] = content
        return found

    def sealed(self, days: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Give those of the (service, day) pairs in which facts of dropped tasks lie."""
        wanted = list(days)
        return {(service, day) for service, day in self._rows("sealed", *rows.columns(wanted))} if wanted else set()

    def tasks(self, keys: Iterable[TaskKey]) -> dict[TaskKey, Task]:
        """Give the folds of those tasks that are known; the caller owns them."""
        return {key: task.unpack(folded) for key, folded in self._subjects.tasks(keys).items()}

    def boots(self, keys: Iterable[BootKey]) -> dict[BootKey, Boot]:
        """Give the folds of those boots that are known; the caller owns them."""
        return {key: presence.unpack(folded) for key, folded in self._subjects.boots(keys).items()}

    def jobs(self, keys: Iterable[Name]) -> dict[Name, Job]:
        """Give the folds of those jobs that are registered; the caller owns them."""
        return {key: registry.unpack(folded) for key, folded in self._subjects.jobs(keys).items()}

    def unended(self, boots: Iterable[BootKey], jobs: Iterable[Name]) -> set[TaskKey]:
        """Give the tasks with a run of these boots or jobs whose end no fact states."""
        found: list[tuple[Any, ...]] = []
        if numbers := list(self._subjects.find_boots(boots).values()):
            found += self._rows("unended_of_boots", numbers)
        if numbers := list(self._names.find([("job", *job) for job in jobs]).values()):
            found += self._rows("unended_of_jobs", numbers)
        return {(service, name) for service, name in found}

    def unnamed(self, keys: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        """Give those (kind, service, name) that the store does not know."""
        wanted = set(keys)
        return wanted - self._names.find(wanted).keys()

    def name_counts(self) -> dict[str, int]:
        """Count the names of each kind."""
        return dict(self._connection.execute(statements("history")["name_counts"]).fetchall())

    def due(self, mark: int, limit: int) -> list[TaskKey]:
        """Give tasks with a run of which inference may say something new at this mark, at most `limit` of them."""
        return [(service, name) for service, name in self._rows("due", mark, limit)]

    def boot_numbers(self, keys: Iterable[BootKey]) -> dict[BootKey, int]:
        """Give the numbers of those boots that are known."""
        return self._subjects.find_boots(keys)

    # --- writing ---

    def append(self, facts: Sequence[tuple[Event, int]], received: int) -> None:
        """Put facts with their content hashes into the log; none of them is known."""
        self._received = received
        tasks: set[TaskKey] = set()
        boots: set[BootKey] = set()
        names: set[Key] = set()
        for event, _ in facts:
            service = event.service
            if event.task is not None:
                tasks.add((service, event.task))
                if event.boot is not None:
                    boots.add((service, event.boot, ""))
            elif event.type.startswith("worker."):
                self._heard.add(presence.boot_key(event))
            for kind, name in (("job", event.job), ("queue", event.queue), ("worker", event.worker)):
                if name is not None:
                    names.add((kind, service, name))
        self._names.ensure(names)
        self._subjects.ensure(tasks, boots | self._heard)
        self._subjects.jobs((service, name) for kind, service, name in names if kind == "job")  # all will be asked for
        [[seq]] = self._rows("next_seq")
        lines = (self._event_row(seq, event, content) for seq, (event, content) in enumerate(facts, start=seq))
        self._copy("append", rows.EVENT_TYPES, lines)

    def _event_row(self, seq: int, event: Event, content: int) -> tuple[Any, ...]:
        service, subject, boot = event.service, None, None
        if event.task is not None:
            subject = self._subjects.task(service, event.task)
        elif event.type.startswith("worker."):
            boot = self._subjects.boot(presence.boot_key(event))
        return (
            seq,
            self._ids.get(event.id) or rows.id_to_column(event.id),
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
        self._ensure_names(changes)
        created: list[tuple[Any, ...]] = []
        changed: list[tuple[Any, ...]] = []
        runs: list[tuple[Any, ...]] = []
        gone: list[tuple[Any, ...]] = []
        for change in changes:
            number, new = self._subjects.task(*change.key), change.new
            job, queue, _ = self._names.triple(new.service, new.job, new.queue, None)
            values = (task.pack(change.folded), new.state, new.cancelled, job, queue, new.first)
            if change.old is None:
                created.append((number, *rows.task_columns(change.key), *values))
            else:
                changed.append((number, *values))
            before = _by_key(change.old)
            for run in new.runs:
                key = (run.attempt, run.run, run.submission)
                if before.get(key) == run:
                    del before[key]
                else:
                    runs.append(self._run_row(number, new.service, run))
            gone += [(number, *key) for key in before]
        if created:
            self._copy("new_tasks", rows.TASK_TYPES, created)
        self._write("save_tasks", changed)
        self._write("drop_runs", gone)
        if runs:
            self._copy("save_runs", rows.RUN_TYPES, runs)

    def _ensure_names(self, changes: Sequence[TaskChange]) -> None:
        """Give numbers to everything that these tasks and their runs name."""
        names: set[Key] = set()
        boots: set[BootKey] = set()
        for change in changes:
            new = change.new
            service = new.service
            names |= {("job", service, new.job), ("queue", service, new.queue)}
            for run in new.runs:
                names |= {("job", service, run.job), ("queue", service, run.queue), ("worker", service, run.worker)}
                if run.boot:
                    boots.add((service, run.boot, ""))
        self._names.ensure(names)
        self._subjects.ensure((change.key for change in changes), boots)

    def _run_row(self, number: int, service: str, run: Run) -> tuple[Any, ...]:
        boot = self._subjects.boot((service, run.boot, "")) if run.boot else None
        return rows.run_to_row(number, run, self._names.triple(service, run.job, run.queue, run.worker), boot)

    def save_boots(self, boots: Mapping[BootKey, Boot]) -> None:
        """Write boots and their presence."""
        self._subjects.ensure((), boots)
        workers = {("worker", key[0], boot.worker[2]) for key, boot in boots.items() if boot.worker}
        self._names.ensure(
            workers | {("queue", key[0], queue) for key, boot in boots.items() for queue in boot.serves()}
        )
        lines: list[tuple[Any, ...]] = []
        spans: set[tuple[int, int, int]] = set()
        queues: list[tuple[int, int]] = []
        for key, boot in boots.items():
            number, life = self._subjects.boot(key), boot.life()
            worker = None if boot.worker is None else self._names.number("worker", key[0], boot.worker[2])
            received = self._received if key in self._heard else 0
            lines.append((number, presence.pack(boot), received, worker, life and life.heartbeat, life and life.ttl))
            spans.update((number, start, end) for start, end in boot.spans(cut=bool(key[1])))
            queues += [(number, self._names.number("queue", key[0], queue)) for queue in boot.serves()]
        self._write("save_boots", lines)
        numbers = [line[0] for line in lines]
        known = {(boot, start, end) for boot, start, end in self._rows("presence", numbers)}
        starts = {span[:2] for span in spans}
        self._write("drop_presence", [span[:2] for span in known if span[:2] not in starts])
        self._write("save_presence", sorted(spans - known))
        self._connection.execute(self._sql["drop_queues"], (numbers,))
        self._write("save_queues", queues)
        self._subjects.forget_boots(boots)

    def save_jobs(self, jobs: Mapping[Name, Job]) -> None:
        """Write registered jobs."""
        self._names.ensure([("job", *key) for key in jobs])
        lines = [
            (self._names.number("job", *key), registry.pack(job), registry.limit(job)) for key, job in jobs.items()
        ]
        self._write("save_jobs", lines)
        self._subjects.forget_jobs(jobs)

    def add(self, jobs: Mapping[JobKey, JobCell], workers: Mapping[WorkerKey, list[int]], now: int) -> None:
        """Add changes to the cells; those that become empty disappear."""
        coarse = dict(self._rows("coarse_days"))
        add_cells(self._connection, self._names, jobs, coarse, now)
        add_worker_cells(self._connection, self._names, workers, coarse, now)


def _by_key(view: View | None) -> dict[tuple[int, str, str], Run]:
    return {(run.attempt, run.run, run.submission): run for run in view.runs} if view else {}
