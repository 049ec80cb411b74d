"""No question reads the log, the runs or the tasks as a whole: asked of the planner, for every statement it sends."""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from taskscope import stats
from taskscope.core.clock import DAY, HOUR, MINUTE, SECOND
from taskscope.ports import Filter, Store
from taskscope.stats.packing import pack
from taskscope.store.postgres.questions import PostgresQuestions
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import EVERYTHING, START, a_run, deliver, fact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from taskscope.store.postgres.connection import Connection
    from tests.postgres import Schemas

NARROW = Filter(services=["default"], jobs=["j1"], queues=["q"])
HOUR_ODD = (START + 7 * SECOND + 1, START + HOUR + 3)
QUESTIONS: dict[str, Callable[[Store], Any]] = {
    "all there is": lambda store: stats.stats(store, EVERYTHING),
    "overview of an odd hour": lambda store: stats.stats(store, EVERYTHING, *HOUR_ODD),
    "overview of a job": lambda store: stats.stats(store, NARROW, *HOUR_ODD),
    "timeline by minute": lambda store: stats.utilization(store, EVERYTHING, START, START + HOUR),
    "timeline with odd ends": lambda store: stats.utilization(store, EVERYTHING, *HOUR_ODD),
    "timeline of a queue": lambda store: stats.utilization(store, Filter(queues=["q"]), START, START + DAY, HOUR),
    "newest of all jobs": lambda store: stats.percentiles(store, EVERYTHING),
    "newest of a job": lambda store: stats.percentiles(store, NARROW),
    "percentiles of a window": lambda store: stats.percentiles(store, EVERYTHING, start=START, end=START + DAY),
    "a page": lambda store: stats.runs(store, EVERYTHING),
    "a page of a window": lambda store: stats.runs(store, EVERYTHING, window=(START, START + MINUTE)),
    "the page behind": lambda store: stats.runs(
        store, EVERYTHING, cursor=stats.runs(store, EVERYTHING, limit=1)["next_cursor"], limit=3
    ),
}
WHOLE = {"event", "run", "task"}
# Few rows at any time, whatever was recorded: what is open, what is unended, what senders said they dropped.
SMALL = {"run_unended", "run_long", "event_gap"}


def furnish(store: Store) -> None:
    """Tell runs, short and long, ended and open, some of them packed."""
    facts = [f for n in range(40) for f in a_run(f"t{n}", n * 60, 50, job=f"j{n % 3}", queue="q", worker=f"w{n % 4}")]
    facts += a_run("long", 5, 5000, job="j1", queue="q", worker="w9", boot="b", run="r")
    facts += [fact("worker.heartbeat", 9, worker="w9", boot="b"), fact("task.started", 30, task="open", worker="w1")]
    deliver(store, facts)
    pack(store, START + 20 * MINUTE)


# --- the embedded store ---


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "store.db")
    furnish(store)
    yield store
    store.close()


def scanned(connection: sqlite3.Connection, statement: str) -> list[str]:
    """Name the great tables that a statement would read from their first row to their last."""
    names = WHOLE | set(re.findall(r"\b(?:event|run|task) AS (\w+)", statement))
    found = []
    for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
        scan = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
        # In the order of an index, and up to a limit: a page. It ends after as many rows as it shows.
        paged = scan and scan[2] == "run_anchor" and "LIMIT" in statement
        if scan and scan[1] in names and scan[2] not in SMALL and not paged:
            found.append(f"{step} in {' '.join(statement.split())}")
    return found


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_to_the_embedded_store_scans_a_great_table(embedded: SqliteStore, question: str) -> None:
    statements: list[str] = []
    connection, _ = embedded._connection()
    connection.set_trace_callback(statements.append)
    QUESTIONS[question](embedded)
    connection.set_trace_callback(None)
    asked = [one for one in statements if one.lstrip().startswith(("SELECT", "WITH"))]
    assert asked
    assert [scan for one in asked for scan in scanned(connection, one)] == []


def test_a_scan_would_be_seen(embedded: SqliteStore) -> None:
    connection, _ = embedded._connection()
    assert scanned(connection, "SELECT r.outputs FROM run AS r JOIN task AS t ON t.id = r.task")
    assert scanned(connection, "SELECT count(*) FROM event")
    assert scanned(connection, "SELECT r.task FROM run AS r WHERE r.outputs > 3 ORDER BY r.anchor_us")


# --- the store of a team ---


class Watched:
    """A connection that remembers what is sent over it."""

    def __init__(self, connection: Connection) -> None:
        self.sent: list[tuple[str, Any]] = []
        self._connection = connection

    def execute(self, query: str, values: Any = (), **more: Any) -> Any:
        """Remember a statement, and send it."""
        self.sent.append((query, values))
        return self._connection.execute(query, values, **more)

    @contextmanager
    def questions(self) -> Iterator[PostgresQuestions]:
        """Stand for a store."""
        yield PostgresQuestions(cast("Connection", self))


def test_no_question_to_the_store_of_a_team_scans_a_great_table(schemas: Schemas) -> None:
    """A small table is best read whole, so the planner is told that this is dear: it does so where nothing else can."""
    store = schemas.open("plans")
    furnish(store)
    with store._pool.connection() as connection:
        watched = Watched(connection)
        for question in QUESTIONS.values():
            question(cast("Store", watched))
        connection.execute("SET enable_seqscan = off")
        found = {
            f"{line[0].strip()} in {' '.join(query.split())}"
            for query, values in watched.sent
            for line in connection.execute(f"EXPLAIN {query}", values).fetchall()
            if re.search(r"Seq Scan on (event|run|task)\b", line[0])
        }
        connection.execute("RESET enable_seqscan")
    assert watched.sent
    assert not found, str(found)
