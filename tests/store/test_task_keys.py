"""Tasks are looked up by a checksum of their names, which two tasks may share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope import stats
from taskscope.ports import Filter
from taskscope.store.rows import task_key
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import a_run, deliver

if TYPE_CHECKING:
    from pathlib import Path

TWINS = ("ff81d0f447", "69d19deb1c")


def test_two_tasks_with_one_checksum_stay_two(tmp_path: Path) -> None:
    one, other = TWINS
    assert task_key(("default", one)) == task_key(("default", other))
    store = SqliteStore(tmp_path / "store.db")
    for task in (*TWINS, *TWINS):
        deliver(store, a_run(task, 0, 10, job="j", queue="q", worker="w"))
    shown = stats.runs(store, Filter())["items"]
    assert sorted(run["task"] for run in shown) == sorted(TWINS)
    assert stats.verify(store)["differences"] == []
