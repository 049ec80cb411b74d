"""Questions about queues, workers and counters use indexes: none reads all runs or the whole log."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from taskscope.store.postgres.queries import statements as of_postgres
from taskscope.store.sqlite import SqliteStore
from taskscope.store.sqlite.queries import statements as of_sqlite
from tests.postgres import Schemas

VALUES: dict[str, Any] = {
    **dict.fromkeys(("start", "end", "before", "most", "limit", "minute", "hour", "day", "instant", "granularity"), 1),
    **dict.fromkeys(("parent", "counted", "job"), 1),
    **dict.fromkeys(("service", "name"), "x"),
    **dict.fromkeys(("services", "names", "queues")),
    "workers": [1],
}
UNENDED = {"served_bootless", "running"}
"""They read the index of unended runs whole: these are few."""
NAMES = sorted(of_sqlite("flow"))


def test_sqlite_reads_no_table_of_runs_or_facts_whole(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    whole = []
    with store.questions() as q:
        for name in NAMES:
            given = {key: json.dumps(value) if isinstance(value, list) else value for key, value in VALUES.items()}
            given["job"] = "x" if name == "jobs_named" else 1
            plan = q._connection.execute(f"EXPLAIN QUERY PLAN {of_sqlite('flow')[name]}", given).fetchall()
            steps = [step[3] for step in plan if re.match(r"SCAN (run|r|event|e)\b", step[3])]
            whole += [(name, step) for step in steps if name not in UNENDED or "run_unended" not in step]
    store.close()
    assert whole == [("received", "SCAN event")]  # from its end, one row


def test_both_stores_know_the_same_statements() -> None:
    assert of_sqlite("flow").keys() == of_postgres("flow").keys()


def test_postgres_reads_no_table_of_runs_or_facts_whole(schemas: Schemas) -> None:
    store = schemas.open("plans")
    whole = []
    with store.questions() as q:
        q._connection.execute("SET LOCAL enable_seqscan = off")  # the tables are empty: it would not look at an index
        for name in NAMES:
            given = {**VALUES, "job": "x" if name == "jobs_named" else 1}
            plan = q._connection.execute(f"EXPLAIN {of_postgres('flow')[name]}", given).fetchall()
            whole += [(name, line) for (line,) in plan if "Seq Scan on run" in line or "Seq Scan on event" in line]
    assert whole == []
