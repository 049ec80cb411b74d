"""What Taskscope says of itself is what was done to the store."""

from __future__ import annotations

from taskscope import ingest, stats
from taskscope.core.clock import DAY, SECOND, to_text
from taskscope.ports import Store
from taskscope.stats.exported import DIFFERENCES, VERIFIED
from taskscope.testing import START, a_run, deliver, fact


def test_a_new_store_says_that_it_knows_nothing(any_store: Store) -> None:
    found = stats.own(any_store, START)
    assert (found.received_at, found.swept_at, found.sweep_lag_ms, found.verify) == (None, None, None, None)
    assert (found.facts.accepted, found.names.jobs, found.gaps.task_facts) == (0, 0, 0)
    assert found.size_bytes > 0


def test_everything_that_was_done_is_counted(any_store: Store) -> None:
    gap = {"dropped": 3, "class": "task", "since": to_text(START), "until": to_text(START + SECOND)}
    facts = [*a_run("t", 0, 10, job="j", queue="q", worker="w"), fact("spool.gap", 2, data=gap)]
    deliver(any_store, facts, now=START + DAY)
    deliver(any_store, facts[:2], now=START + DAY)
    deliver(any_store, [fact("task.started", 2 * 86_400, task="later")], now=START + DAY)
    ingest.sweep(any_store, START + DAY)
    with any_store.ledger() as ledger:
        ledger.note(VERIFIED, START + DAY)
        ledger.note(DIFFERENCES, 7)
    found = stats.own(any_store, START + DAY + 5 * SECOND)
    assert (found.facts.accepted, found.facts.duplicates, found.facts.refused) == (4, 2, {"future": 1})
    assert (found.names.jobs, found.names.queues, found.names.workers) == (1, 1, 1)
    assert (found.gaps.task_facts, found.gaps.since) == (3, to_text(START))
    assert (found.swept_at, found.sweep_lag_ms, found.received_at) == (to_text(START + DAY), 5000, to_text(START + DAY))
    assert found.verify is not None
    assert (found.verify.at, found.verify.differences) == (to_text(START + DAY), 7)
