"""Clocks that jump, and clocks of two hosts that differ: ids stay unique, facts keep the time they had, all arrive."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import taskscope
from taskscope import app, config, stats
from taskscope.ports import Filter, Store
from taskscope.sdk import ids
from taskscope.sdk.ids import Uuid7Source
from tests.sdk.processes import Reader

HOUR = timedelta(hours=1)
_ids: Uuid7Source = ids.uuid7.__self__  # type: ignore[attr-defined]


@pytest.fixture
def shift(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[timedelta], None]]:
    """Set the wall clock that the SDK reads."""
    now_s, time_ns = time.time, time.time_ns

    def by(offset: timedelta) -> None:
        seconds = offset.total_seconds()
        monkeypatch.setattr(time, "time", lambda: now_s() + seconds)
        monkeypatch.setattr(time, "time_ns", lambda: time_ns() + offset // timedelta(microseconds=1) * 1000)

    yield by
    _ids._reset()  # it never goes back by itself, and other tests want ids of now


def told(fact: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(fact["time"] / 1000, UTC)


def test_a_clock_that_is_set_back_an_hour_in_the_middle_of_a_run(
    home: Path, scope: taskscope.Scope, reader: Reader, shift: Callable[[timedelta], None]
) -> None:
    begun = datetime.now(UTC)
    with scope.run("job", task_id="t"):
        for n in range(20):
            scope.submitted("job", task_id=f"before-{n}")
        shift(-HOUR)
        for n in range(20):
            scope.submitted("job", task_id=f"after-{n}")
    shift(timedelta())
    facts = reader.tasks()
    ids = [fact["id"] for fact in facts]
    assert len(set(ids)) == 42
    # By id they stand in the order in which they were recorded, whatever the clock said.
    names = [f"{when}-{n}" for when in ("before", "after") for n in range(20)]
    assert [fact["task"] for fact in facts] == ["t", *names, "t"]
    started, ended = facts[0], facts[-1]
    assert begun <= told(started) <= datetime.now(UTC)
    assert timedelta(minutes=59) < told(started) - told(ended) <= HOUR
    assert 0 <= ended["duration_ms"] < 60_000
    assert scope.dropped == 0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return app.open_store(config.load(str(tmp_path / "server"), environment={}))


def arrive(home: Path, store: Store) -> None:
    app.drain(config.load(str(home), environment={}), store, app.now_us())


def test_a_run_that_ends_before_it_began_counts_with_the_duration_that_was_measured(
    home: Path, scope: taskscope.Scope, store: Store, shift: Callable[[timedelta], None]
) -> None:
    with scope.run("job", task_id="t"):
        shift(-HOUR)
    arrive(home, store)
    counted = stats.stats(store, Filter())
    assert (counted["succeeded"], counted["running"]) == (1, 0)
    assert 0 <= counted["duration_ms"]["max"] < 60_000
    assert stats.verify(store)["differences"] == []


@pytest.mark.parametrize(("offset", "skewed"), [(-HOUR, 1), (timedelta(minutes=9), 0)])
def test_two_hosts_with_clocks_apart(
    tmp_path: Path, store: Store, shift: Callable[[timedelta], None], offset: timedelta, skewed: int
) -> None:
    here, there = (taskscope.connect("shop", home=tmp_path / name) for name in ("here", "there"))
    here.submitted("job", task_id="t")
    shift(offset)
    with there.run("job", task_id="t"):
        pass
    there.close()
    shift(timedelta())
    here.close()
    for home in ("there", "here"):  # also when the run is known before its submission
        arrive(tmp_path / home, store)
    counted = stats.stats(store, Filter())
    assert (counted["submitted"], counted["succeeded"], counted["skewed"]) == (1, 1, skewed)
    expected_ms = max(timedelta(), offset) / timedelta(milliseconds=1)
    assert expected_ms <= counted["wait_ms"]["max"] < expected_ms + 60_000
    assert stats.verify(store)["differences"] == []


def test_what_a_host_far_ahead_records_is_refused_and_kept_with_the_reason(
    home: Path, scope: taskscope.Scope, store: Store, shift: Callable[[timedelta], None]
) -> None:
    shift(HOUR)
    scope.submitted("job", task_id="tomorrow")
    shift(timedelta())
    scope.submitted("job", task_id="today")
    arrive(home, store)
    assert stats.stats(store, Filter())["submitted"] == 1
    refused = "".join(path.read_text() for path in (home / "spool" / "rejected").iterdir())
    assert "tomorrow" in refused
    assert "today" not in refused
    assert "10 minutes ahead" in refused
