"""The side of the store that forgets, for the length of one transaction.

Whatever it does keeps the equations that `verify` checks: the fold of base and facts is the task, and sealed parts
and contributions of the tasks that are kept are the cells.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from taskscope.core import presence, registry, task
from taskscope.core.clock import DAY
from taskscope.store.postgres import rows
from taskscope.store.postgres.cells import add_sealed_cells, add_sealed_worker_cells
from taskscope.store.postgres.queries import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from taskscope.core.cells import JobCell, JobKey, WorkerKey
    from taskscope.core.events import Event
    from taskscope.core.intervals import Interval
    from taskscope.core.runs import Run, View
    from taskscope.ports import BootKey, TaskKey
    from taskscope.store.postgres.connection import Connection
    from taskscope.store.postgres.ledger import PostgresLedger
    from taskscope.store.postgres.names import Key, Names


class _Base(NamedTuple):
    """What a task holds of dropped facts."""

    number: int
    packed: bytes | None
    days: set[int]


class PostgresArchive:
    """Forgets within one transaction that holds the lock of writers."""

    def __init__(self, connection: Connection, names: Names, ledger: PostgresLedger) -> None:
        """Work on a connection that has begun its transaction and holds the lock."""
        self._connection = connection
        self._names = names
        self.ledger = ledger
        self._sql = statements("archive")

    def close(self) -> None:
        """Write down how many rows there are that nothing else tells of, so that the loss of one is noticed."""
        for table, found, counted in self._connection.execute(statements("audit")["sealed_counts"]).fetchall():
            if found != counted:
                self.ledger.note(f"rows.{table}", found)

    def _rows(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._sql[name], values, binary=True).fetchall()

    def _write(self, name: str, lines: Iterable[tuple[Any, ...]]) -> None:
        if ordered := sorted(lines):
            self._connection.execute(self._sql[name], rows.columns(ordered))

    # --- what is old ---

    def bound(self, horizon: int) -> int:
        """Give the sequence number before which every fact was received before the horizon."""
        [[bound]] = self._rows("bound", horizon)
        return int(bound)

    def aged(self, bound: int, limit: int) -> list[TaskKey]:
        """Give tasks with facts before the bound, at most `limit` of them."""
        return [(service, name) for service, name in self._rows("aged", bound, limit)]

    def bare(self) -> list[TaskKey]:
        """Give the tasks of which the log holds no fact any more."""
        return [(service, name) for service, name in self._rows("bare")]

    def newest(self, count: int) -> set[TaskKey]:
        """Give the tasks that hold one of the newest `count` finished runs of any job."""
        return {(service, name) for service, name in self._rows("newest", count)}

    def fresh(self, keys: Sequence[TaskKey], bound: int) -> set[TaskKey]:
        """Give those of the tasks that have facts from the bound on."""
        found = self._rows("fresh", [rows.task_key(key) for key in keys], bound)
        return {(service, name) for service, name in found} & set(keys)

    # --- bases ---

    def _bases(self, keys: Iterable[TaskKey]) -> dict[TaskKey, _Base]:
        wanted = set(keys)
        found = self._rows("bases", [rows.task_key(key) for key in wanted])
        return {
            (service, name): _Base(number, base, set(json.loads(days or "[]")))
            for number, service, name, base, days in found
            if (service, name) in wanted
        }

    def rebase(self, keys: Sequence[TaskKey], bound: int) -> None:
        """Fold the facts before the bound into the bases of these tasks, and drop them."""
        bases = self._bases(keys)
        facts = self._old_facts("facts_of_tasks", "e.task", [base.number for base in bases.values()], bound)
        lines = []
        for key, base in bases.items():
            old = facts.get(base.number)
            if not old:
                continue
            folded = task.pack(task.fold(old, task.unpack(base.packed) if base.packed else None))
            days = json.dumps(sorted({fact.time // DAY * DAY for fact in old} | base.days))
            lines.append((base.number, folded, days, rows.checksum((*key, folded, days))))
        self._write("rebase_tasks", lines)
        self._connection.execute(self._sql["forget_facts"], ([line[0] for line in lines], bound))

    def rebase_others(self, bound: int) -> int:
        """Fold worker and job facts before the bound into their bases and drop them; give how many facts went."""
        boots = self._rows("boots_with_old_facts", bound)
        facts = self._old_facts("facts_of_boots", "e.subject_boot", [boot[0] for boot in boots], bound)
        lines = []
        for number, service, name, base in boots:
            folded = presence.pack(presence.fold(facts[number], presence.unpack(base) if base else None))
            lines.append((number, folded, rows.checksum((service, name, folded, None))))
        self._write("rebase_boots", lines)
        jobs = self._rows("jobs_with_old_facts", bound)
        facts = self._old_facts("facts_of_jobs", "e.job", [job[0] for job in jobs], bound)
        lines = []
        for number, service, name, base in jobs:
            folded = registry.pack(registry.fold(facts[number], registry.unpack(base) if base else None))
            lines.append((number, folded, rows.checksum((service, name, folded, None))))
        self._write("rebase_jobs", lines)
        return self._connection.execute(self._sql["forget_others"], (bound,)).rowcount

    def _old_facts(self, condition: str, subject: str, numbers: list[int], bound: int) -> dict[int, list[Event]]:
        query = statements("audit")["facts"].replace("SELECT", f"SELECT {subject},", 1)
        found: defaultdict[int, list[Event]] = defaultdict(list)
        values = (numbers, bound)
        for number, *row in self._connection.execute(f"{query} {self._sql[condition]}", values, binary=True):
            found[number].append(rows.event_from_row(row[:13]))
        return found

    # --- sealing ---

    def seal(self, views: Mapping[TaskKey, View]) -> None:
        """Drop these tasks with their runs and facts; seal their days, their workers' spans and queues."""
        bases = self._bases(views)
        services = {base.number: key[0] for key, base in bases.items()}
        numbers = list(services)
        days = {(services[number], day) for number, day in self._rows("days_of_tasks", numbers)}
        days |= {(key[0], day) for key, base in bases.items() for day in base.days}
        self._write("seal_days", ((*day, rows.checksum(day)) for day in days))
        runs = [(key[0], run) for key, seen in views.items() for run in seen.runs]
        self._seal_queues({(service, run.boot, run.queue) for service, run in runs if run.boot})
        self._seal_workers(runs)
        for statement in ("drop_runs_of", "drop_facts_of", "drop_tasks"):
            self._connection.execute(self._sql[statement], (numbers,))

    def _seal_queues(self, served: set[tuple[str, str, str]]) -> None:
        """Keep the queues that dropped runs of boots came from."""
        boots: set[BootKey] = {(service, boot, "") for service, boot, _ in served}
        numbers = self.ledger.boot_numbers(boots)
        self._names.ensure({("queue", service, queue) for service, _, queue in served})
        self._write(
            "seal_queues",
            (
                (
                    numbers[service, boot, ""],
                    self._names.number("queue", service, queue),
                    rows.checksum((service, boot, queue, None)),
                )
                for service, boot, queue in served
            ),
        )

    def _seal_workers(self, runs: Iterable[tuple[str, Run]]) -> None:
        """Keep the spans of workers without a boot."""
        spans: dict[Key, Interval] = {}
        for service, run in runs:
            if run.worker and not run.boot and (run.start is not None or run.finish is not None):
                key = ("worker", service, run.worker)
                spans[key] = _around((*spans.get(key, ()), run.anchor, *(() if run.finish is None else (run.finish,))))
        self._names.ensure(spans)
        numbers = {key: self._names.number(*key) for key in spans}
        known = {row[0]: row[1:] for row in self._rows("sealed_workers", list(numbers.values()))}
        self._write("seal_workers", self._worker_lines(spans, numbers, known))

    def _worker_lines(
        self, spans: Mapping[Key, Interval], numbers: Mapping[Key, int], known: Mapping[int, tuple[int, ...]]
    ) -> Iterator[tuple[int, ...]]:
        for key, span in spans.items():
            whole = _around((*span, *known.get(numbers[key], ())))
            yield (numbers[key], *whole, rows.checksum((*key[1:], *whole)))

    def add_sealed(self, jobs: Mapping[JobKey, JobCell], workers: Mapping[WorkerKey, list[int]]) -> None:
        """Add contributions of dropped tasks to the sealed cells."""
        coarse: dict[int, int] = dict(self._connection.execute(statements("ledger")["coarse_days"]).fetchall())
        add_sealed_cells(self._connection, self._names, jobs, coarse)
        add_sealed_worker_cells(self._connection, self._names, workers, coarse)

    # --- cells and presence ---

    def coarsen(self, minutes_before: int, hours_before: int) -> int:
        """Drop the minute and hour cells of days that last changed before these instants; give how many days."""
        count = 0
        for granularity, before in ((0, minutes_before), (1, hours_before)):
            values = {"granularity": granularity, "before": before}
            days = [day for (day,) in self._connection.execute(self._sql["days_to_coarsen"], values)]
            finest = granularity + 1
            self._write("coarsen_days", ((day, finest, rows.checksum((day, finest))) for day in days))
            for table in ("cell", "worker_cell", "sealed_cell", "sealed_worker_cell"):
                query = f"DELETE FROM {table} WHERE granularity <= %s AND start_us >= %s AND start_us < %s"
                for day in days:
                    self._connection.execute(query, (granularity, day, day + DAY))
            count += len(days)
        return count

    def forget_presence(self, before: int) -> None:
        """Drop the presence of boots that nothing was heard of since an instant; what else they said stays."""
        lines = []
        for number, service, name, folded, base in self._rows("silent_boots", before):
            kept = _absent(base)
            lines.append((number, _absent(folded), kept, rows.checksum((service, name, kept, None))))
        self._write("forget_boots", lines)
        self._connection.execute(self._sql["forget_presence"], ([line[0] for line in lines],))


def _around(times: Sequence[int]) -> Interval:
    return min(times), max(times)


def _absent(packed: bytes) -> bytes:
    boot = presence.unpack(packed)
    boot.covered = []
    return presence.pack(boot)
