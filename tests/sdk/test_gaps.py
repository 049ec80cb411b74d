"""What could not be kept is counted, and told as soon as something can be written again."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import taskscope
from taskscope.core.normalise import decode_event
from taskscope.sdk.recorder import Recorder
from taskscope.sdk.segments import drain
from tests.sdk.processes import Fact, Reader, Start, Wait


class Broken:
    def __repr__(self) -> str:
        raise ValueError("made up")


BROKEN = {"note": Broken()}


@pytest.fixture
def blocked(home: Path) -> Path:
    """Put a file where the home should be."""
    home.write_text("in the way")
    return home


def until_kept(eventually: Wait, record: Callable[[], object], dropped: Callable[[], int]) -> int:
    """Record until a fact is kept; give how many were dropped before it."""
    start = dropped()

    def kept() -> bool:
        before = dropped()
        record()
        return dropped() == before

    eventually(kept)
    return dropped() - start


def test_what_was_dropped_is_told_before_the_first_fact_that_is_kept(
    blocked: Path, scope: taskscope.Scope, reader: Reader, eventually: Wait
) -> None:
    before = datetime.now(UTC)
    for _ in range(5):
        scope.submitted("job")
    between = datetime.now(UTC)
    blocked.unlink()
    more = until_kept(eventually, lambda: scope.submitted("job"), lambda: scope.dropped)
    [gap], [_] = reader.gaps(), reader.tasks()
    assert (gap["service"], gap["data"]["class"], gap["data"]["dropped"]) == ("shop", "task", 5 + more)
    assert "File exists" in gap["data"]["reason"] or "Not a directory" in gap["data"]["reason"]
    since, until = (datetime.fromisoformat(gap["data"][key]) for key in ("since", "until"))
    assert before <= since <= between
    assert since <= until <= datetime.fromtimestamp(gap["time"] / 1000, UTC)
    assert not {"worker", "boot", "task"} & gap.keys()  # it only submits, so it is no worker


def test_a_gap_stands_before_the_fact_and_is_accepted_by_ingest(
    blocked: Path, scope: taskscope.Scope, eventually: Wait
) -> None:
    scope.submitted("job")
    blocked.unlink()
    until_kept(eventually, lambda: scope.submitted("job"), lambda: scope.dropped)
    types: list[str] = []
    drain(blocked, lambda records: types.extend(decode_event(record)[0].type for record in records))
    assert types == ["spool.gap", "task.submitted"]


def test_a_worker_tells_its_gap_as_a_worker_and_once_for_each_class(
    blocked: Path, scope: taskscope.Scope, reader: Reader, eventually: Wait
) -> None:
    with scope.run("job") as run:
        run.progress(0.5)
    blocked.unlink()
    more = until_kept(eventually, lambda: scope.submitted("job"), lambda: scope.dropped)
    gaps = {gap["data"]["class"]: gap for gap in reader.gaps()}
    assert gaps.keys() == {"task", "extra"}
    assert gaps["task"]["data"]["dropped"] == 3 + more  # online, started, succeeded
    assert gaps["extra"]["data"]["dropped"] == 2  # heartbeat, progress
    assert {(gap["worker"], gap["boot"]) for gap in gaps.values()} == {("w-1", scope.boot)}
    assert len(reader.gaps()) == 2


def test_each_service_tells_what_it_lost_itself(blocked: Path, reader: Reader, eventually: Wait) -> None:
    one, two = taskscope.connect("one", home=blocked), taskscope.connect("two", home=blocked)
    for _ in range(3):
        one.submitted("job")
    two.submitted("job")
    blocked.unlink()
    more = until_kept(eventually, lambda: two.submitted("job"), lambda: two.dropped)
    assert {gap["service"]: gap["data"]["dropped"] for gap in reader.gaps()} == {"one": 3, "two": 1 + more}
    one.close()
    two.close()


def test_facts_that_can_not_be_kept_by_themselves_are_told_with_their_reasons(home: Path, reader: Reader) -> None:
    recorder = Recorder("shop", None, home)
    for _ in range(2):
        recorder.record("task.submitted", BROKEN, task="t")
    recorder.record("task.submitted", {"note": "x" * (2 << 20)}, task="t")
    recorder.record("task.progress", {"note": "x" * (2 << 20)}, task="t")
    recorder.record("task.submitted", task="good")
    recorder.close()
    found = {gap["data"]["class"]: gap["data"] for gap in reader.gaps()}
    assert found["task"]["dropped"] == 3
    assert found["task"]["reason"] == "fact can't be encoded: 2, fact too large: 1"
    assert (found["extra"]["dropped"], found["extra"]["reason"]) == (1, "fact too large")


def test_gaps_do_not_outnumber_the_facts_and_closing_tells_the_rest(home: Path, reader: Reader) -> None:
    recorder = Recorder("shop", None, home)
    for n in range(50):
        recorder.record("task.submitted", BROKEN, task="t")
        recorder.record("task.submitted", task=f"good-{n}")
    assert [gap["data"]["dropped"] for gap in reader.gaps()] == [1]
    recorder.close()
    assert [gap["data"]["dropped"] for gap in reader.gaps()] == [1, 49]
    assert len(reader.tasks()) == 50


FORKED = """
import os, sys
import taskscope
home = sys.argv[1]
scope = taskscope.connect()
open(home, "w").close()
for _ in range(3):
    scope.submitted("job")
if os.fork() == 0:
    assert scope.dropped == 0
    scope.submitted("job")
    assert scope.dropped == 1
    os.unlink(home)
    while not os.path.exists(home + "/spool"):
        scope.submitted("job", task_id="child")
    print(scope.dropped, flush=True)
    os._exit(0)
os.wait()
scope.close()
print(scope.dropped)
"""


def test_a_forked_child_tells_what_it_lost_itself_and_its_parent_the_rest(child: Start, reader: Reader) -> None:
    of_child, of_parent = map(int, child(FORKED).finish().split())
    assert of_parent == 3
    assert sorted(gap["data"]["dropped"] for gap in reader.gaps()) == sorted([of_child, of_parent])
    assert len(reader.tasks()) == 1


def test_closing_tries_once_more_also_right_after_a_failure(
    blocked: Path, scope: taskscope.Scope, reader: Reader
) -> None:
    scope.submitted("job")
    blocked.unlink()
    scope.close()
    assert [gap["data"]["dropped"] for gap in reader.gaps()] == [1]


EXIT = """
import logging, sys
import taskscope
logging.basicConfig(stream=sys.stdout, format="%(message)s")
scope = taskscope.connect("shop")
open(sys.argv[1], "w").close()
for _ in range(7):
    scope.submitted("job")
"""


def test_at_exit_what_can_not_be_told_goes_to_the_log(child: Start) -> None:
    last = child(EXIT).finish().splitlines()[-1]
    assert last.startswith("taskscope could not keep 7 task facts of shop")


def test_a_drop_in_a_signal_handler_is_told_too(child: Start, reader: Reader) -> None:
    script = """
import signal
import taskscope
class Broken:
    def __repr__(self):
        raise ValueError("no")
BROKEN = {"note": Broken()}
scope = taskscope.connect()
recorder = scope._recorder
hits = 0
def handler(number, frame):
    global hits
    recorder.record("task.submitted", BROKEN, task="bad")
    hits += 1
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
n = 0
while hits < 100:
    scope.submitted("job", task_id=f"main-{n}")
    n += 1
signal.setitimer(signal.ITIMER_REAL, 0)
scope.close()
print(n, hits, scope.dropped)
"""
    main, hits, dropped = map(int, child(script).finish().split())
    assert dropped == hits
    assert sum(gap["data"]["dropped"] for gap in reader.gaps()) == hits
    assert len(reader.tasks()) == main


def test_nothing_dropped_means_no_gap(scope: taskscope.Scope, reader: Reader) -> None:
    with scope.run("job"):
        scope.submitted("job")
    scope.close()
    facts: list[Fact] = reader.read()
    assert [fact["type"] for fact in facts if fact["type"].startswith("spool.")] == []
    assert [path.name for path in (reader.home / "spool").iterdir()] == ["drain.lock"]
