"""Single tasks and searches are what a look at all facts by hand says, on every store."""

from __future__ import annotations

from typing import Any

import pytest

from taskscope import stats
from taskscope.core.clock import DAY
from taskscope.core.events import Event
from taskscope.errors import UsageError
from taskscope.ports import Filter, Search, Store
from taskscope.testing import START, deliver, fact
from tests.oracle import Row, _decider
from tests.stats.story import KINDS, NOW, text, told


def facts_of(service: str, task: str) -> list[Event]:
    events = [event for event, _ in told().facts if (event.service, event.task) == (service, task)]
    return sorted(events, key=lambda event: (event.time, event.id))


def rows_of(service: str, task: str) -> list[Row]:
    return [row for row in told().rows if (row["service"], row["task"]) == (service, task)]


def tasks() -> list[tuple[str, str]]:
    return sorted({(row["service"], row["task"]) for row in told().rows})


def test_a_task_shows_each_run_and_each_fact_of_it(storied: Store) -> None:
    for service, task in tasks()[::3]:
        found = stats.task(storied, task, [service])
        assert found is not None
        rows = rows_of(service, task)
        assert sorted(
            (run.attempt, run.run or "", run.waiting, run.state, run.outcome or "") for run in found.runs
        ) == (sorted((r["attempt"], r["run"], r["waiting"], r["state"], r["outcome"] or "") for r in rows))
        assert [(one.id, one.type, one.time, one.data) for one in found.facts] == [
            (event.id, event.type, text(event.time), event.data) for event in facts_of(service, task)
        ]
        assert found.facts_total == len(found.facts)
        assert {one.received_at for one in found.facts} == {text(NOW + DAY)}
        assert {one.source for one in found.facts} == {"sent"}
        expected = told().tasks[service, task]
        assert (found.state, found.cancelled, found.first_at) == (
            expected["state"],
            expected["cancelled"],
            text(expected["first"]),
        )


def test_a_task_says_why_it_stands_as_it_does(storied: Store) -> None:
    seen = set()
    for service, task in tasks():
        found = stats.task(storied, task, [service])
        assert found is not None
        assert found.why is not None
        decider = _decider(rows_of(service, task), 2**62)
        if decider is None:
            expected = "waiting"
        elif decider["outcome"] is None:
            expected = "running"
        elif decider["inferred"]:
            expected = decider["outcome"]
        else:
            expected = "retrying" if decider["retrying"] else "ended"
        assert found.why.rule == expected, task
        by_id = {event.id: event for event in facts_of(service, task)}
        if found.why.fact is not None:
            assert found.why.at == text(by_id[found.why.fact].time)
        else:
            assert expected in ("running", "timed_out", "lost")
        seen.add(expected)
    assert seen == {"waiting", "running", "ended", "timed_out", "lost"}


def test_an_error_comes_with_its_traceback(storied: Store) -> None:
    kinds = told().kinds
    for service, task in tasks()[::5]:
        found = stats.task(storied, task, [service])
        assert found is not None
        for run in found.runs:
            kind = kinds.get((task, run.run or ""))
            name = None if kind is None else KINDS[kind][0]
            assert run.traceback == (None if name is None else f"in {name}")
            assert (run.error.type if run.error else None) == name


def test_only_the_newest_facts_are_listed(storied: Store) -> None:
    service, task = max(tasks(), key=lambda name: len(facts_of(*name)))
    found = stats.task(storied, task, [service], limit=2)
    assert found is not None
    assert [one.id for one in found.facts] == [event.id for event in facts_of(service, task)[-2:]]
    assert found.facts_total == len(facts_of(service, task)) > 2


def test_a_task_of_several_services_needs_one_named(any_store: Store) -> None:
    deliver(any_store, [fact("task.started", task="t", service=service) for service in ("a", "b")])
    with pytest.raises(UsageError, match="a, b"):
        stats.task(any_store, "t", None)
    found = stats.task(any_store, "t", ["b"])
    assert found is not None
    assert found.service == "b"
    assert stats.task(any_store, "T", None) is None
    assert stats.task(any_store, "t", ["c"]) is None


@pytest.mark.parametrize(
    "name", ["a/b//c", "/", "..", "任务/1 %2F", "a" * 200, "'; DROP TABLE run; --", "\N{PILE OF POO}"]
)
def test_any_id_is_found(any_store: Store, name: str) -> None:
    imported = {"imported": True}
    deliver(any_store, [fact("task.started", task=name, data=imported), fact("task.started", 1, task=name + "x")])
    found = stats.task(any_store, name, None)
    assert found is not None
    assert [one.source for one in found.facts] == ["import"]


def search(store: Store, scan: int = 5000, limit: int = 1000, **asked: Any) -> list[tuple[str, str, str]]:
    """List everything that a search finds, page by page."""
    where = Filter(**{key: asked.pop(key) for key in list(asked) if key in Filter._fields})
    window = asked.pop("window", None)
    found, cursor = [], None
    for _ in range(1000):
        page = stats.search(store, Search(where, **asked), window=window, cursor=cursor, limit=limit, scan=scan)
        found += [(item["service"], item["task"], item["run"] or "") for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError("a search without an end")


def by_hand(condition: Any) -> list[tuple[str, str, str]]:
    rows = [row for row in told().rows if condition(row)]
    return sorted((row["service"], row["task"], row["run"]) for row in rows)


def labelled(row: Row, **labels: str) -> bool:
    held = [event.data.get("labels", {}) for event in facts_of(row["service"], row["task"])]
    return all(any(one.get(key) == value for one in held) for key, value in labels.items())


def in_error(row: Row, part: str) -> bool:
    """Look into the fact that ended a run."""
    ends = [f for f in facts_of(row["service"], row["task"]) if f.run == row["run"] and f.run and "error" in f.data]
    return any(
        part.lower() in value.lower()
        for end in ends
        for value in (end.data["error"]["type"], end.data["error"]["message"])
    )


@pytest.mark.parametrize(("scan", "limit"), [(5000, 1000), (7, 1000), (50, 3), (1, 1000)])
def test_a_search_finds_what_a_look_at_all_runs_finds(storied: Store, scan: int, limit: int) -> None:
    found = search(storied, scan, limit, text="OUT of memory")
    assert sorted(found) == by_hand(lambda row: in_error(row, "out of memory"))
    assert len(found) > 5


def test_labels_text_and_filters_combine(storied: Store) -> None:
    assert sorted(search(storied, labels=[("tenant", "a:1")])) == by_hand(lambda row: labelled(row, tenant="a:1"))
    assert search(storied, labels=[("size", "1")]) == []  # a number is no text
    seen = search(storied, labels=[("tenant", "a:0")], text="value", jobs=["j1", "j2"], services=["s1"])
    assert sorted(seen) == by_hand(
        lambda row: (
            labelled(row, tenant="a:0")
            and in_error(row, "value")
            and row["job"] in ("j1", "j2")
            and row["service"] == "s1"
        )
    )
    window = (START + DAY, START + 2 * DAY)
    seen = search(storied, fingerprints=["f" * 16, "lost"], window=window)
    assert sorted(seen) == by_hand(
        lambda row: (
            row["outcome"] in ("failed", "timed_out", "lost")
            and told().group(row) in (4, "lost")
            and window[0] <= row["anchor"] < window[1]
        )
    )
    assert len(seen) > 2


def test_a_search_keeps_the_order_of_the_list(storied: Store) -> None:
    whole = [
        (item["service"], item["task"], item["run"]) for item in stats.runs(storied, Filter(), limit=1000)["items"]
    ]
    found = search(storied, 40, 5, text="value")
    assert found == [run for run in whole if run in set(found)]
