"""What Prometheus is told never falls, and is what the naive reading says: of counters, queues and workers."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskscope import ingest, stats
from taskscope.core import counters, sketch
from taskscope.core.clock import MINUTE, SECOND, from_text
from taskscope.core.events import Event, canonical, content_hash
from taskscope.ports import Filter
from taskscope.stats.exported import exported
from taskscope.stats.queues import queues
from taskscope.stats.serving import loads
from taskscope.stats.workers import workers
from tests.laws.strategies import LATEST, ORIGIN
from tests.laws.test_oracle import Servers, Story, servers, stories
from tests.oracle import OUTCOMES, Oracle, Row

__all__ = ["servers"]  # a fixture

EVERYTHING = Filter()
EDGES = [sketch.bounds(sketch.bucket(round(bound * SECOND)))[1] for bound in counters.BOUNDS_S]
"""What still counts below each bound: to the end of the bucket that holds it."""
Key = tuple[str, str, str]


def truth(rows: list[Row]) -> dict[Key, list[int]]:
    """Count runs by service, job and queue: what counters are to say when they were never wrong."""
    found: dict[Key, list[int]] = {}
    for key in {(row["service"], row["job"], row["queue"]) for row in rows}:
        own = [row for row in rows if (row["service"], row["job"], row["queue"]) == key]
        runs = [row for row in own if not row["waiting"]]
        ended = [run for run in runs if run["outcome"] and not run["inferred"]]
        values = [sum(row["submitted"] is not None for row in own)]
        values += [sum(run["outcome"] == outcome for run in ended) for outcome in OUTCOMES]
        lengths = [
            [run["wait"] for run in runs if run["wait"] is not None],
            *(
                [run["duration"] for run in ended if run["outcome"] == outcome and run["duration"] is not None]
                for outcome in ("succeeded", "failed")
            ),
        ]
        values += [sum(part) for part in lengths]
        for part in lengths:
            values += [sum(value <= edge for value in part) for edge in EDGES] + [len(part)]
        found[key] = values
    return found


def told(one: counters.Series) -> list[int]:
    """Give the same values of a series, in the same order."""
    values = [one.count(name) for name in ("submitted", *OUTCOMES, "wait_us", "succeeded_us", "failed_us")]
    return values + [count for name in ("wait", "succeeded", "failed") for count in one.buckets(name)]


def fell(seen: dict[Key, list[int]], before: dict[Key, list[int]]) -> list[Key]:
    return [key for key, values in before.items() if any(a < b for a, b in zip(seen[key], values, strict=True))]


def test_counters_never_fall_and_hold_the_greatest_truth_from_any_server(servers: Servers) -> None:
    @settings(deadline=None, max_examples=servers.examples(50), suppress_health_check=list(HealthCheck))
    @given(stories())
    def law(story: Story) -> None:
        known: list[Event] = []
        mark = 0
        greatest: dict[Key, list[int]] = {}
        before: dict[Key, list[int]] = {}
        with servers._empty() as both:
            for server, step in story.steps:
                if isinstance(step, int):
                    ingest.sweep(both[server], step)
                    mark = max(mark, step)
                else:
                    ingest.accept(both[server], [(e, content_hash(e.id, canonical(e))) for e in step], LATEST)
                    known += step
                for key, values in truth(Oracle(known, mark).runs()).items():
                    held = greatest.get(key, values)
                    greatest[key] = [max(pair) for pair in zip(held, values, strict=True)]
                first, second = (exported(one, LATEST, stuck_after=MINUTE).series for one in both)
                seen = {key: told(one) for key, one in first.items()}
                assert first == second
                assert fell(seen, before) == []
                assert {key: values for key, values in seen.items() if any(values)} == {
                    key: values for key, values in greatest.items() if any(values)
                }
                before = seen
            assert stats.verify(both[0])["differences"] == []

    law()


def test_queues_and_workers_are_what_the_text_says(servers: Servers) -> None:
    @settings(deadline=None, max_examples=servers.examples(50), suppress_health_check=list(HealthCheck))
    @given(stories(), st.sampled_from([0, 2 * SECOND, MINUTE]))
    def law(story: Story, stuck_after: int) -> None:
        oracle = Oracle(story.facts, story.mark)
        with servers.told(story) as store:
            for now in story.cuts:
                window = (ORIGIN - 5 * MINUTE, max(now, ORIGIN))
                assert wrong_queues(oracle, store, window, now, stuck_after) == []
                assert wrong_workers(oracle, store, window, now) == []
                assert wrong_loads(store, now // MINUTE * MINUTE) == []

    law()


def wrong_queues(oracle: Oracle, store: Any, window: tuple[int, int], now: int, stuck_after: int) -> list[Any]:
    answer = queues(store, EVERYTHING, window, now, stuck_after=stuck_after)
    low, high = from_text(answer.since), from_text(answer.until)
    wrong = []
    rows = oracle.runs()
    for queue in answer.items:
        own = [row for row in rows if (row["service"], row["queue"]) == (queue.service, queue.queue or "")]
        waiting = [row["due"] for row in own if row["waiting"]]
        outcomes = Counter(
            row["outcome"] for row in own if not row["waiting"] and row["outcome"] and low <= row["finish"] < high
        )
        waits = [row["wait"] for row in own if not row["waiting"] and row["wait"] is not None]
        waits = [row["wait"] for row in own if row["wait"] is not None and low <= row["start"] < high] if waits else []
        expected = {
            "depth": len(waiting),
            "oldest_due_at": min(waiting, default=None),
            "stuck": sum(due < now - stuck_after for due in waiting),
            "running": sum(not row["waiting"] and row["outcome"] is None for row in own),
            "submitted": sum(row["submitted"] is not None and low <= row["submitted"] < high for row in own),
            "finished": outcomes.total(),
            **{outcome: outcomes[outcome] for outcome in OUTCOMES},
        }
        seen = {name: getattr(queue, name) for name in expected}
        seen["oldest_due_at"] = seen["oldest_due_at"] and from_text(seen["oldest_due_at"])
        if seen != expected or queue.wait_ms.count != len(waits):
            wrong.append((queue.service, queue.queue, seen, expected, queue.wait_ms.count, len(waits)))
    named = {(row["service"], row["queue"]) for row in rows}
    return wrong + list(named - {(queue.service, queue.queue or "") for queue in answer.items})


def wrong_workers(oracle: Oracle, store: Any, window: tuple[int, int], now: int) -> list[Any]:
    answer = workers(store, EVERYTHING, window, now)
    low, high = from_text(answer.since), from_text(answer.until)
    busy = oracle.busy(low, min(high, now)) if low < now else {}
    whole = oracle.busy(low, high)
    rows = [row for row in oracle.runs() if not row["waiting"]]
    wrong = []
    for worker in answer.items:
        key = (worker.service, worker.worker)
        own = [row for row in rows if (row["service"], row["worker"]) == key]
        ended = [row["outcome"] for row in own if row["outcome"] and low <= row["finish"] < high]
        expected = {
            "present": oracle.present(*key, now, now + 1) or any(began_before_its_end(row, now) for row in own),
            "running": sum(row["outcome"] is None for row in own),
            "finished": len(ended),
            "succeeded": ended.count("succeeded"),
        }
        seen = {name: getattr(worker, name) for name in expected}
        # Facts of the stories lie in the future of `now` too; those of its minute may count or not.
        between = busy.get(key, 0) / 1000 - 0.01 <= worker.busy_ms <= whole.get(key, 0) / 1000 + 0.01
        if seen != expected or not between:
            wrong.append((key, seen, expected, worker.busy_ms, busy.get(key), whole.get(key)))
    return wrong + sorted(set(oracle.workers()) - {(one.service, one.worker) for one in answer.items})


def began_before_its_end(run: Row, instant: int) -> bool:
    """Tell whether a run that tells only its end and its length was under way: its worker was there, boot or not."""
    known = not run["boot"] and run["start"] is None and run["duration"] is not None
    return known and run["finish"] - run["duration"] <= instant <= run["finish"]


def wrong_loads(store: Any, minute: int) -> list[Any]:
    """Compare a minute of all queues at once with the question for each."""
    window = (minute, minute + MINUTE)
    with store.questions() as q:
        by_queue, by_service = loads(q, minute)
    names = [(service, queue) for service in ("s1", "s2") for queue in ("", "q1", "q2")]
    wrong = []
    asked = [(Filter([s], None, [queue]), by_queue.get((s, queue))) for s, queue in names]
    asked += [(Filter([s]), by_service.get(s)) for s in ("s1", "s2")]
    for where, load in asked:
        [bucket] = stats.utilization(store, where, *window)["buckets"]
        expected = (bucket["active_workers"], bucket["idle_workers"], bucket["avg_utilization"])
        seen = (load.active, load.idle, load.utilization) if load else (0, 0, None)
        if seen[:2] != expected[:2] or abs((seen[2] or 0) - (expected[2] or 0)) > 1e-9:
            wrong.append((where, minute, seen, expected))
    return wrong
