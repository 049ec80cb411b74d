"""Single runs, single tasks and single jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope.ports import Endings, StoredFact, TaskRow
from taskscope.store.postgres import rows
from taskscope.store.postgres.queries import statements
from taskscope.store.postgres.questions import PostgresQuestions, run_row
from taskscope.store.postgres.searching import filtered, searched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Name, RunRow, Search, TaskKey


class PostgresHistory(PostgresQuestions):
    """Reads runs by their anchor, tasks by their key, and a job's runs by their finish."""

    def search(
        self, search: Search, window: Interval | None, after: Sequence[int | str] | None, limit: int, scan: int
    ) -> tuple[list[RunRow], int | None]:
        """List runs in the order of `page`, out of about `scan` that the filter lets through."""
        clause, values = filtered(search.where)
        if window is not None:
            clause += " AND r.anchor_us >= %s AND r.anchor_us < %s"
            values += window
        if after is not None:
            clause += (
                " AND r.anchor_us <= %s AND (r.anchor_us < %s"
                " OR (t.service, t.task, r.attempt, r.run, r.submission) > (%s, %s, %s, %s, %s))"
            )
            values += (after[0], *after)
        join = " JOIN task AS t ON t.id = r.task" if after is not None else ""
        floor = statements("history")["floor"].replace("/* join */", join).replace("/* filter */", clause)
        found = self._rows(floor, (*values, scan - 1))
        more, others = searched(search)
        if found:
            clause += " AND r.anchor_us >= %s"
            values += found[0]
        order = " ORDER BY r.anchor_us DESC, t.service, t.task, r.attempt, r.run, r.submission LIMIT %s"
        query = f"{self._sql['runs']} WHERE true{clause}{more}{order}"
        listed = [run_row(row) for row in self._rows(query, (*values, *others, limit))]
        return listed, found[0][0] if found and len(listed) < limit else None

    def services_of(self, task: str) -> list[str]:
        """Name the services that have a task of this id."""
        services = sorted(service for (service,) in self._rows(statements("history")["services"]))
        return [service for service in services if self._task((service, task)) is not None]

    def task(self, key: TaskKey) -> tuple[TaskRow, list[RunRow]] | None:
        """Give a task and its runs by attempt, anchor, run and submission."""
        found = self._task(key)
        if found is None:
            return None
        query = f"{self._sql['runs']} WHERE r.task = %s ORDER BY r.attempt, r.anchor_us, r.run, r.submission"
        return found, [run_row(row) for row in self._rows(query, (found.number,))]

    def _task(self, key: TaskKey) -> TaskRow | None:
        found = self._rows(statements("history")["task"], rows.task_columns(key))
        return TaskRow(*found[0]) if found else None

    def facts(self, key: TaskKey, limit: int) -> tuple[int, list[StoredFact]]:
        """Count the facts of a task, and give the newest of them, by time and id."""
        task = self._task(key)
        if task is None:
            return 0, []
        [(count,)] = self._rows(statements("history")["count_facts"], (task.number,))
        newest = self._rows(statements("history")["facts"], (task.number, limit))
        found = [StoredFact(rows.event_from_row(row[:13]), row[13], row[14]) for row in newest]
        return count, sorted(found, key=lambda fact: fact.event.key)

    def endings(self, granularity: int, window: Interval, where: Filter) -> list[Endings]:
        """Give how runs ended in the cells that begin in the window, by start and job."""
        clause, values = filtered(where._replace(workers=None, states=None, outcomes=None))
        query = statements("history")["endings"].replace("/* filter */", clause)
        found = self._rows(query, (granularity, *window, *values))
        return [Endings(row[0], (row[1], row[2]), *row[3:]) for row in found]

    def name_counts(self) -> dict[str, int]:
        """Count the names of each kind."""
        return dict(self._rows(statements("history")["name_counts"]))

    def job_names(self, where: Filter) -> list[Name]:
        """Name the jobs that any fact named, by service and name."""
        return [
            (service, name)
            for service, name in self._rows(statements("history")["job_names"])
            if (where.services is None or service in where.services) and (where.jobs is None or name in where.jobs)
        ]

    def newest_runs(self, jobs: Sequence[Name], count: int) -> dict[Name, list[RunRow]]:
        """Give the newest finished runs of each job: by finish, then the least task, attempt, run."""
        found: dict[Name, list[RunRow]] = {job: [] for job in jobs}
        if jobs:
            query = f"{self._sql['runs']} {statements('history')['newest_of_jobs']}"
            services, names = zip(*jobs, strict=True)
            for run in map(run_row, self._rows(query, (list(services), list(names), count))):
                found[run.service, run.job].append(run)
        return found
