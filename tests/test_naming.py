"""A store knows so many jobs and so many queues: a fact that brings one more is refused, by name, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope import stats
from taskscope.core import naming
from taskscope.ports import Filter
from taskscope.testing import a_run, deliver, fact

if TYPE_CHECKING:
    import pytest

    from taskscope.ports import Store


def test_names_beyond_the_limit_are_refused_and_all_others_kept(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming, "MOST_NAMES", 3)
    assert deliver(any_store, [f for n in range(2) for f in a_run(f"t{n}", n, 1, job=f"j{n}", queue="q")]).accepted == 6
    facts = [
        fact("task.started", 10, task="a", job="j0", queue="q"),
        fact("task.started", 11, task="b", job="j2", queue="q2"),
        fact("task.started", 12, task="c", job="j3", queue="q"),
        fact("task.started", 13, task="d", job="j0", queue="q3"),
        fact("task.started", 14, task="e", job="j0", queue="q4"),
        fact("worker.heartbeat", 15, worker="w", boot="b", data={"queues": ["q", "q5"]}),
        fact("worker.heartbeat", 16, worker="w-of-a-fleet", boot="c", data={"queues": ["q", "q2"]}),
        fact("task.started", 17, task="f"),
    ]
    receipt = deliver(any_store, [*facts, facts[2]])
    assert [index for index, _ in receipt.rejected] == [2, 4, 5, 8]
    assert [reason.partition(" is one name too many")[0] for _, reason in receipt.rejected] == [
        "job 'j3'",
        "queue 'q4'",
        "queue 'q5'",
        "job 'j3'",
    ]
    assert "data.labels" in receipt.rejected[0][1]
    own = stats.own(any_store, 0)
    assert (own.names.jobs, own.names.queues, own.names.workers) == (3, 3, 1)
    assert own.facts.refused == {"names": 4}
    assert own.facts.duplicates == 0
    assert stats.verify(any_store)["differences"] == []
    assert deliver(any_store, facts).accepted == 0
    assert stats.stats(any_store, Filter(), None, None)["running"] == 4


def test_one_fact_may_bring_several_names_or_none(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "MOST_NAMES", 2)
    beat = {"worker": "w", "boot": "b"}
    receipt = deliver(
        any_store,
        [
            fact("worker.heartbeat", 0, **beat, data={"queues": ["a", "b", "c"]}),
            fact("worker.heartbeat", 1, **beat, data={"queues": ["a", "b"]}),
            fact("worker.heartbeat", 2, **beat, data={"queues": ["b", "a"]}),
        ],
    )
    assert [index for index, _ in receipt.rejected] == [0]
    assert stats.own(any_store, 0).names.queues == 2
