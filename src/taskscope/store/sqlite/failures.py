"""What failed, by fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.ports import FailureGroup
from taskscope.store.sqlite.queries import statements
from taskscope.store.sqlite.questions import SqliteQuestions, run_row
from taskscope.store.sqlite.searching import filtered, searched

if TYPE_CHECKING:
    from taskscope.core.intervals import Interval
    from taskscope.ports import Name, RunRow, Search


class SqliteFailures(SqliteQuestions):
    """Reads failed runs alone: they have an index by finish and fingerprint."""

    def failure_total(self, window: Interval, search: Search) -> tuple[int, int]:
        """Count the failed runs, and their different fingerprints."""
        [(failures, groups)] = self._failed("failure_total", window, search)
        return failures, groups

    def failure_groups(
        self, window: Interval, search: Search, after: tuple[int, int, str] | None, limit: int
    ) -> list[FailureGroup]:
        """List groups: most failures first, then the newest, then by fingerprint."""
        behind = ""
        values: tuple[Any, ...] = ()
        if after is not None:
            behind = " HAVING (-failures, -last, r.fingerprint) > (?, ?, ?)"
            values = (-after[0], -after[1], after[2])
        return [
            FailureGroup(*row)
            for row in self._failed("failure_groups", window, search, behind=behind, last=(*values, limit))
        ]

    def failure_jobs(self, window: Interval, search: Search) -> list[tuple[str, Name, int]]:
        """Give (fingerprint, job, count), by fingerprint, most failures first, then by service and name."""
        return [(row[0], (row[1], row[2]), row[3]) for row in self._failed("failure_jobs", window, search)]

    def failure_trend(self, window: Interval, step: int, search: Search) -> list[tuple[str, int, int]]:
        """Give (fingerprint, bucket, count) of the buckets with failures."""
        return [(row[0], row[1], row[2]) for row in self._failed("failure_trend", window, search, (window[0], step))]

    def failed_last(self, fingerprint: str, finish: int, search: Search) -> RunRow | None:
        """Give the run of a group that finished at an instant."""
        clause, values = _conditions(search._replace(fingerprints=[fingerprint]))
        order = " ORDER BY t.service, t.task, r.attempt, r.run LIMIT 1"
        query = f"{self._sql['runs']} WHERE r.fingerprint IS NOT NULL AND r.finished_us = ?{clause}{order}"
        row = self._one(query, finish, *values)
        return None if row is None else run_row(row)

    def _failed(
        self,
        name: str,
        window: Interval,
        search: Search,
        first: tuple[Any, ...] = (),
        *,
        behind: str = "",
        last: tuple[Any, ...] = (),
    ) -> list[tuple[Any, ...]]:
        clause, values = _conditions(search)
        query = statements("history")[name].replace("/* filter */", clause).replace("/* after */", behind)
        return list(self._rows(query, (*first, *window, *values, *last)))


def _conditions(search: Search) -> tuple[str, tuple[Any, ...]]:
    clause, values = filtered(search.where)
    more, others = searched(search, labels=False)
    return clause + more, (*values, *others)
