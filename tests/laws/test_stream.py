"""The law of the live stream: picture and changes together are the list, whatever came and whenever one listened."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from taskscope import ingest, stats
from taskscope.core.normalise import convert_event
from taskscope.core.wire import wire_form
from taskscope.ports import Filter
from taskscope.server.live.messages import read_cursor
from taskscope.server.live.subscription import Key, Subscription
from taskscope.server.live.topics import topics
from taskscope.server.live.watcher import Watcher
from taskscope.store.sqlite import SqliteStore
from tests.laws.strategies import LATEST, facts, marks

if TYPE_CHECKING:
    from taskscope.core.events import Event
    from taskscope.ports import Store

TOPICS = topics(30.0)
Item = tuple[Any, ...]


class Page:
    """What a page knows of the runs, from what it was told; it may be away for a while."""

    def __init__(self, where: Filter) -> None:
        self.where = where
        self.cursor: str | None = None
        self.tasks: dict[tuple[str, str], list[Item]] = {}

    def listen(self) -> Subscription:
        """Begin to listen, from where it stopped."""
        cursor = None if self.cursor is None else read_cursor(self.cursor)
        key = Key("runs", self.where)
        return Subscription(self, "a", key, cursor, resumes=self.cursor is not None)  # type: ignore[arg-type]

    def offer(self, message: bytes) -> None:
        """Take what it is told."""
        said = json.loads(message)
        self.cursor = said["cursor"]
        if said["type"] == "snapshot":
            self.tasks = listed(said["data"]["items"])
            return
        for task in said["data"]["tasks"]:
            self.tasks |= {
                (task["service"], task["task"]): listed(task["runs"]).get((task["service"], task["task"]), [])
            }
        self.tasks = {key: runs for key, runs in self.tasks.items() if runs}


def listed(items: list[dict[str, Any]]) -> dict[tuple[str, str], list[Item]]:
    """Sort runs by their task."""
    found: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for run in items:
        found[run["service"], run["task"]].append(json.dumps(run, sort_keys=True))  # type: ignore[arg-type]
    return {key: sorted(runs) for key, runs in found.items()}


filters = st.sampled_from(
    [
        Filter(),
        Filter(services=("s1",)),
        Filter(jobs=("j1",)),
        Filter(queues=("q1", "q2"), workers=("w1",)),
        Filter(states=("PROCESSING",)),
        Filter(outcomes=("lost", "timed_out")),
    ]
)
steps = st.lists(
    st.tuples(
        st.integers(0, 3), st.one_of(st.none(), marks), st.sampled_from(["look", "look", "look", "wait", "away"])
    ),
    min_size=4,
    max_size=12,
)
"""How many facts come, how far a sweep passes then, and what the page does."""


def take(store: Store, events: list[Event]) -> None:
    ingest.accept(store, [convert_event(wire_form(event)) for event in events], LATEST)


@settings(max_examples=60, deadline=None)
@given(facts, filters, steps)
def test_picture_and_changes_are_the_list(
    events: list[Event], where: Filter, steps: list[tuple[int, int | None, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.db")
        page = Page(where)
        listening = page.listen()
        rest = list(events)
        with Watcher(store) as watcher:
            watcher.look({listening.key: [listening]}, TOPICS, LATEST)
            for count, mark, doing in steps:
                take(store, rest[:count])
                rest = rest[count:]
                if mark is not None:
                    ingest.sweep(store, mark)
                if doing == "look":
                    watcher.look({listening.key: [listening]}, TOPICS, LATEST)
                elif doing == "away":
                    watcher.look({}, TOPICS, LATEST)
                    listening = page.listen()
            watcher.look({listening.key: [listening]}, TOPICS, LATEST)
        expected = listed(stats.runs(store, where, limit=1000)["items"])
        store.close()
    assert page.tasks == expected
