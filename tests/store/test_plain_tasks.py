"""Plain tasks on the embedded store: what a writer remembers of them is never older than the file."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import pytest

from taskscope import retention, stats
from taskscope.core import task
from taskscope.core.cell_columns import Cells
from taskscope.core.cells import JOB_FIELDS, WORKER_FIELDS
from taskscope.core.clock import DAY, HOUR, MINUTE
from taskscope.ports import Filter, Keep
from taskscope.stats import packing
from taskscope.store.sqlite import SqliteStore, recent
from taskscope.testing import START, deliver, fact, picture

if TYPE_CHECKING:
    from pathlib import Path

    from taskscope.ingest import Fact

TASKS = 120
"""More than the facts from which on a batch is settled in columns."""


def facts(kind: str, at_s: float, tasks: range = range(TASKS)) -> list[Fact]:
    """Make a fact of each of the tasks."""
    more = {} if kind == "submitted" else {"run": "r", "worker": "w", "boot": "b"}
    return [fact(f"task.{kind}", at_s + n / 10, task=f"t{n}", job="j", queue="q", **more) for n in tasks]


def plainly_stored(store: SqliteStore) -> int:
    """Count the tasks whose fold is left empty."""
    connection = sqlite3.connect(store.path)
    [count] = connection.execute("SELECT count(*) FROM task WHERE folded = x''").fetchone()
    connection.close()
    return int(count)


def expected(folder: Path) -> SqliteStore:
    """Give a store that took the same facts one by one."""
    store = SqliteStore(folder / "singly.db")
    deliver(store, facts("submitted", 0) + facts("started", 20) + facts("succeeded", 40), size=30)
    return store


def agree(store: SqliteStore, folder: Path) -> bool:
    hour = (START - HOUR, START + HOUR)
    return stats.verify(store)["differences"] == [] and picture(store, [hour]) == picture(expected(folder), [hour])


def test_facts_of_a_task_in_three_batches_are_settled_in_columns(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    for kind, at_s in (("submitted", 0), ("started", 20), ("succeeded", 40)):
        deliver(store, facts(kind, at_s))
        assert plainly_stored(store) == TASKS
    assert agree(store, tmp_path)


def test_two_writers_that_take_turns_see_what_the_other_wrote(tmp_path: Path) -> None:
    one, other = (SqliteStore(tmp_path / "store.db") for _ in range(2))
    deliver(one, facts("submitted", 0))
    deliver(other, facts("started", 20))
    deliver(one, facts("succeeded", 40))
    assert agree(other, tmp_path)


def test_a_transaction_that_is_undone_is_forgotten(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    deliver(store, facts("submitted", 0))
    started = facts("started", 20)

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("taskscope.store.sqlite.ledger.SqliteLedger.add_columns", fail)
        with pytest.raises(OSError, match="full"):
            deliver(store, started)
    deliver(store, facts("succeeded", 40))
    deliver(store, started)
    assert agree(store, tmp_path)


def test_a_task_that_is_written_singly_in_between_is_read_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    deliver(store, facts("submitted", 0))
    deliver(store, facts("started", 20), size=40)
    deliver(store, facts("succeeded", 40))
    assert agree(store, tmp_path)


def test_only_so_many_tasks_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST", 130)
    store = SqliteStore(tmp_path / "store.db")
    for first in range(0, 1000, 200):
        deliver(store, facts("submitted", 0, range(first, first + 200)))
        _, names = store._connection()
        assert len(names.recent._tasks) <= 330
    deliver(store, facts("started", 20, range(1000)))
    assert stats.verify(store)["differences"] == []


def test_a_plain_task_whose_facts_are_dropped_keeps_its_fold(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    deliver(store, facts("submitted", 0) + facts("started", 20))
    retention.retain(store, START + 20 * DAY, Keep(14 * DAY, 90 * DAY, 90 * DAY, 10))
    assert plainly_stored(store) == 0
    assert stats.verify(store)["differences"] == []
    deliver(store, facts("succeeded", 40), now=START + 20 * DAY)
    assert stats.verify(store)["differences"] == []
    assert stats.stats(store, Filter())["succeeded"] == TASKS


def test_folds_that_an_older_version_stored_go_on(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    deliver(store, facts("submitted", 0) + facts("started", 20))
    with store.ledger() as ledger:
        folds = ledger.tasks(("default", f"t{n}") for n in range(TASKS))
    connection = sqlite3.connect(store.path)
    for (_, name), fold in folds.items():
        connection.execute("UPDATE task SET folded = ? WHERE task = ?", (task.pack(fold), name))
    connection.commit()
    connection.close()
    assert stats.verify(store)["differences"] == []
    deliver(store, facts("succeeded", 40))
    assert agree(store, tmp_path)


def test_cells_of_coarse_days_take_what_comes_late(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    deliver(store, facts("submitted", 0) + facts("started", 20))
    late = START + 200 * DAY
    retention.retain(store, late, Keep(365 * DAY, 14 * DAY, 90 * DAY, 10))
    with store.questions() as questions:
        assert questions.finest((START, START + HOUR)) == 2
    deliver(store, facts("succeeded", 40), now=late)
    assert plainly_stored(store) == TASKS
    assert stats.verify(store)["differences"] == []
    assert stats.stats(store, Filter())["succeeded"] == TASKS


def test_a_change_of_no_cell_changes_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    nothing = np.zeros(0, np.int64)
    cells = Cells(nothing, nothing, nothing, nothing, np.zeros((0, len(JOB_FIELDS)), np.int64), (nothing,) * 3)
    workers = cells._replace(counts=np.zeros((0, len(WORKER_FIELDS)), np.int64))
    with store.ledger() as ledger:
        ledger.add_columns(cells, workers, START)
    assert stats.verify(store)["cells"] == 0


def test_slices_in_which_many_runs_change_at_once_are_packed_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    for kind, at_s in (("submitted", 0), ("started", 20), ("succeeded", 40)):
        deliver(store, facts(kind, at_s, range(60)) + facts(kind, at_s, range(60, TASKS)))
        assert plainly_stored(store) == TASKS
        assert bool(packing.pack(store, START + HOUR)) == (kind == "succeeded")
    more = [
        fact(f"task.{kind}", at_s, task=f"more{n}", job="j", queue="q", run="r", worker="v")
        for n in range(TASKS)
        for kind, at_s in (("started", 30 + 10 * n), ("failed", 35 + 20 * n))
    ]
    deliver(store, more)
    assert stats.verify(store)["differences"] == []
    window = (START, START + HOUR, MINUTE)
    before = stats.utilization(store, Filter(), *window)
    assert packing.pack(store, START + 2 * HOUR) >= 4
    assert stats.verify(store)["differences"] == []
    assert stats.utilization(store, Filter(), *window) == before
    deliver(store, [*facts("succeeded", 40), *more])  # nothing new
    assert packing.pack(store, START + 2 * HOUR) == 0
