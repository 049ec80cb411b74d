"""Verify is no tautology: whatever value of whatever table is changed behind its back, it names the row."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from taskscope import ingest, retention, stats
from taskscope.core.clock import DAY, MINUTE
from taskscope.ports import Keep, Store
from taskscope.stats.packing import pack
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import START, a_run, deliver, fact

if TYPE_CHECKING:
    from pathlib import Path

ACCESS = {"token", "signed_in", "action", "action_end"}
"""Who may do what, and who did: facts of their own, from which nothing is derived. Triggers keep what was done."""
UNPROTECTED = {
    ("cell", "changed_us"): "when a cell last changed decides how long it is kept, and is shown nowhere",
    ("worker_cell", "changed_us"): "as above",
    ("boot", "received_us"): "once its facts are gone, only how long its presence is kept depends on it",
    ("event", "seq"): "the order of arrival means nothing",
    ("event", "received_us"): "of tasks it is compared; of worker facts and samples nothing depends on one",
    ("change_log", "number"): "who follows the store reads on from a row; nothing that is shown comes from one",
    ("change_log", "token"): "as above",
    ("change_log", "tasks"): "as above",
    ("unpacked", "last"): "a longer range makes more slices be answered from their runs; a lost slice is noticed",
    ("name", "id"): "a number is no truth; that rows lead to a name is checked through foreign keys",
}


def furnish(store: Store) -> None:
    """Fill a store so that every table holds a row: live tasks, bases, sealed parts, coarse days, refusals, packs."""
    old = [f for n in range(6) for f in a_run(f"old{n}", n * 90, 20 + n, job="j", queue="q", worker="w")]
    old += a_run("booted", 5, 3, job="j", queue="q", worker="v", boot="b", run="r")
    old += [
        fact("worker.heartbeat", 0, worker="v", boot="b", data={"queues": ["q"]}),
        fact("job.registered", 0, job="j", data={"timeout_ms": 99_000, "owner": "me"}),
        fact("task.started", 1, task="open", job="j", queue="q", worker="w"),
    ]
    deliver(store, old)
    retention.retain(store, START + 16 * DAY, Keep(14 * DAY, 14 * DAY, 90 * DAY, 2))
    pack(store, START + 17 * DAY)
    later = START + 20 * DAY
    new = [f for n in range(3) for f in a_run(f"new{n}", 20 * 86_400 + n, 7, "failed", job="k", queue="q", worker="w")]
    new += [
        fact("task.submitted", 20 * 86_400, task="waiting", job="k"),
        fact("task.started", 20 * 86_400, task="hung", job="k", worker="u", boot="c", run="s", data={"timeout_ms": 5}),
        fact("worker.heartbeat", 20 * 86_400, worker="u", boot="c", data={"queues": ["p"]}),
        fact("job.registered", 20 * 86_400, job="k", data={"owner": "you"}),
        fact("resource.sampled", 20 * 86_400, worker="u", data={"cpu": 3}),
        fact("task.started", 0, task="too old"),
    ]
    assert len(deliver(store, new, now=later).rejected) == 1
    ingest.sweep(store, later + MINUTE)
    assert stats.verify(store)["differences"] == []


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the furnished store, to be copied."""
    path = tmp_path_factory.mktemp("furnished") / "furnished.db"
    store = SqliteStore(path)
    furnish(store)
    store.close()
    return path


def tables(path: Path) -> dict[str, list[str]]:
    """List the tables of a file with their columns."""
    connection = sqlite3.connect(path)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for name in names}
    connection.close()
    return {name: columns for name, columns in found.items() if name not in ACCESS}


def another(value: Any) -> Any:
    """Give a value that differs from this one but has its type."""
    if value is None:
        return 7
    if isinstance(value, bool):
        return not value
    if value in (0, 1):
        return 1 - value
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"\x01"
    return value + "x" if isinstance(value, str) else value + 1_000_003


def changes(path: Path) -> list[tuple[str, str]]:
    """List every column of every table."""
    return [(table, column) for table, columns in tables(path).items() for column in columns]


def test_every_table_holds_a_row(original: Path) -> None:
    connection = sqlite3.connect(original)
    empty = [t for t in tables(original) if connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (0,)]
    connection.close()
    assert empty == []


def corrupted(original: Path, folder: Path, table: str, column: str, *, delete: bool) -> list[list[dict[str, Any]]]:
    """Change one value (or delete one row) of each kind of row of a table in turn; give what verify then says."""
    connection = sqlite3.connect(original)
    order = ", ".join(tables(original)[table])
    rows = connection.execute(f"SELECT {column} FROM {table} ORDER BY {order}").fetchall()
    connection.close()
    said = []
    for position in sorted({0, len(rows) // 2, len(rows) - 1}):
        path = folder / f"{table}-{column}-{position}.db"
        shutil.copy(original, path)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        keys = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[5]] or ["rowid"]
        place = connection.execute(
            f"SELECT {', '.join(keys)} FROM {table} ORDER BY {order} LIMIT 1 OFFSET {position}"
        ).fetchone()
        where = " AND ".join(f"{key} = ?" for key in keys)
        if delete:
            connection.execute(f"DELETE FROM {table} WHERE {where}", place)
        else:
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (another(rows[position][0]), *place))
        connection.commit()
        connection.close()
        store = SqliteStore(path)
        said.append(stats.verify(store)["differences"])
        store.close()
    return said


def test_a_changed_value_anywhere_is_noticed(original: Path, tmp_path: Path) -> None:
    unnoticed = []
    for table, column in changes(original):
        if (table, column) in UNPROTECTED:
            continue
        said = corrupted(original, tmp_path, table, column, delete=False)
        if not all(said):
            unnoticed.append((table, column))
    assert not unnoticed, str(unnoticed)


def test_a_lost_row_of_any_table_is_noticed(original: Path, tmp_path: Path) -> None:
    unnoticed = []
    # a sample is folded into nothing; a count of refusals is told nowhere else; the log of changes is shown nowhere
    untold = {"event", "meta", "change_log"}
    for table, columns in tables(original).items():
        if table not in untold and not all(corrupted(original, tmp_path, table, columns[0], delete=True)):
            unnoticed.append(table)
    assert not unnoticed, str(unnoticed)


@pytest.mark.parametrize(
    ("change", "table", "key"),
    [
        (
            "UPDATE run SET duration_us = 1 WHERE task = (SELECT id FROM task WHERE task = 'new1')",
            "run",
            "default/new1",
        ),
        ("UPDATE task SET state = 'COMPLETED' WHERE task = 'hung'", "task", "default/hung"),
        ("UPDATE task SET key = key + 1 WHERE task = 'hung'", "task", "default/hung"),
        (
            (
                "INSERT INTO task (key, service, task, folded, state, cancelled, job, queue, first_us) "
                "SELECT key, service, task, folded, state, cancelled, job, queue, first_us FROM task "
                "WHERE task = 'hung'"
            ),
            "task",
            "default/hung",
        ),
        ("UPDATE cell SET failed = 9 WHERE granularity = 2 AND failed > 0", "cell", "day 2026-01-28"),
        ("UPDATE worker_cell SET busy_us = 9 WHERE granularity = 1 AND busy_us > 0", "worker_cell", "hour "),
        ("UPDATE presence SET end_us = end_us + 1", "presence", "default/"),
        ("UPDATE event SET duration_us = 5 WHERE type = 'task.failed'", "event", "2026-01-28"),
        ("UPDATE meta SET value = value + 1 WHERE key = 'mark'", "meta", "mark"),
        ("UPDATE sealed_cell SET succeeded = 9 WHERE granularity = 2", "sealed_cell", "default/j/q"),
    ],
)
def test_it_names_the_row(original: Path, tmp_path: Path, change: str, table: str, key: str) -> None:
    path = tmp_path / "store.db"
    shutil.copy(original, path)
    connection = sqlite3.connect(path)
    assert connection.execute(change).rowcount > 0
    connection.commit()
    connection.close()
    differences = stats.verify(SqliteStore(path))["differences"]
    assert any(d["table"] == table and key in d["key"] for d in differences), differences
