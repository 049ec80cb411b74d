"""An agent ships facts and runs no tasks, so it is no idle worker, however its facts arrive."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from taskscope import stats
from taskscope.core.clock import MINUTE
from taskscope.ports import Filter
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import START, a_run, deliver, fact

if TYPE_CHECKING:
    from pathlib import Path


def test_an_agent_lowers_no_average(tmp_path: Path) -> None:
    agent = {"worker": "agent-host", "boot": "a", "service": "taskscope"}
    facts = [
        fact("worker.heartbeat", 1, **agent, data={"ttl_ms": 60_000}),
        fact("worker.online", 0, **agent, data={"role": "agent"}),
        fact("worker.heartbeat", 2, worker="b", boot="b", data={"role": "scheduler"}),
    ]
    for number, order in enumerate(permutations(facts)):
        store = SqliteStore(tmp_path / f"{number}.db")
        for one in order:
            deliver(store, [one])
        deliver(store, a_run("t", 0, 30, worker="w", job="j"))
        answer = stats.utilization(store, Filter(), START, START + MINUTE)
        assert [worker["worker"] for worker in answer["workers"]] == ["b", "w"]
        assert answer["buckets"][0]["idle_workers"] == 1
        assert answer["buckets"][0]["avg_utilization"] == 0.25
        assert stats.verify(store)["differences"] == []
