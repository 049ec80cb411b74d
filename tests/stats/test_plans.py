"""No question of these reads the log, the runs or the tasks whole: each finds what it needs by an index."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from taskscope import stats
from taskscope.core.clock import DAY, HOUR
from taskscope.ports import Filter, Search
from taskscope.stats.job import Asked
from taskscope.stats.jobs import Chosen
from taskscope.store.postgres.reading import PostgresReading
from taskscope.store.sqlite import SqliteStore
from taskscope.store.sqlite.reading import SqliteReading
from taskscope.testing import deliver
from tests.postgres import Schemas
from tests.stats.story import NOW, fill, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WINDOW = (NOW - HOUR, NOW)
EVERYTHING = Search()
QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "failures": lambda store: stats.failures(store, EVERYTHING, WINDOW),
    "failures of a job": lambda store: stats.failures(store, Search(Filter(jobs=["j1"])), WINDOW),
    "failures by text": lambda store: stats.failures(store, Search(text="memory"), WINDOW),
    "heat map": lambda store: stats.heatmap(store, Filter(), (NOW - DAY, NOW)),
    "jobs": lambda store: stats.jobs(store, Filter(), Chosen(), WINDOW),
    "job": lambda store: stats.job(store, "j1", Filter(), WINDOW, Asked()),
    "stats of a past hour": lambda store: stats.stats(store, Filter(), NOW - 3 * HOUR, NOW - 2 * HOUR),
    "task": lambda store: stats.task(store, "t/1", None),
    "search": lambda store: stats.search(store, Search(text="memory", labels=[("tenant", "a:1")]), window=WINDOW),
}


def plans(store: SqliteStore, ask: Callable[[Any], Any]) -> list[str]:
    """Ask, and give how each statement was answered."""
    said: list[tuple[str, tuple[Any, ...]]] = []

    class Noting(SqliteReading):
        def _rows(self, sql: str, values: Any = ()) -> Any:
            said.append((sql, tuple(values)))
            return super()._rows(sql, said[-1][1])

        def _one(self, sql: str, *values: Any) -> Any:
            said.append((sql, values))
            return super()._one(sql, *values)

    with store._reading() as connection:
        reading = Noting(connection)

        ask(_Store(reading))
        found = []
        for sql, values in said:
            found += [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    return found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> SqliteStore:
    """Give a store whose planner knows how much it holds."""
    store = SqliteStore(tmp_path_factory.mktemp("plans") / "store.db")
    fill(store)
    return store


@pytest.mark.parametrize("question", QUESTIONS)
def test_sqlite_scans_no_large_table(filled: SqliteStore, question: str) -> None:
    scans = [plan for plan in plans(filled, QUESTIONS[question]) if re.match(r"SCAN (r|t|e|run|task|event)\b", plan)]
    # In the order of an index, up to a limit, is no scan of the whole.
    assert [plan for plan in scans if "USING" not in plan or "INDEX" not in plan] == []


def test_failures_are_read_from_their_own_index(filled: SqliteStore) -> None:
    found = [plan for plan in plans(filled, QUESTIONS["failures"]) if re.match(r"S\w+ r\b", plan)]
    assert len(found) >= 6
    assert all("run_failed" in plan for plan in found)


@pytest.mark.parametrize("question", QUESTIONS)
def test_postgres_scans_no_large_table(postgres_database: str, question: str) -> None:
    """Without sequential scans, which it prefers for small tables, it finds an index for each."""
    schemas = Schemas(postgres_database)
    store = schemas.open("plans")
    try:
        deliver(store, told().facts[:50], now=NOW + DAY)
        with store.questions() as reading:
            reading._connection.execute("SET LOCAL enable_seqscan = off")
            found = _plans(reading, QUESTIONS[question])
    finally:
        schemas.drop()
    assert found
    assert [plan for plan in found if re.search(r"Seq Scan on (run|task|event)\b", plan)] == []


def _plans(reading: PostgresReading, ask: Callable[[Any], Any]) -> list[str]:
    said: list[tuple[str, Any]] = []

    class Noting(PostgresReading):
        def _rows(self, query: str, values: Any = ()) -> Any:
            said.append((query, values))
            return super()._rows(query, values)

    noting = Noting(reading._connection)
    ask(_Store(noting))
    rows = [row for sql, values in said for row in noting._connection.execute(f"EXPLAIN {sql}", values).fetchall()]
    return [str(row[0]) for row in rows]


class _Store:
    """Answers with questions that are open already."""

    def __init__(self, reading: Any) -> None:
        self._reading = reading

    @contextmanager
    def questions(self) -> Iterator[Any]:
        yield self._reading
