"""The spool of a home is bounded: extra facts are dropped first, task facts at the limit, and what is left is whole."""

import logging
from pathlib import Path

import pytest

from taskscope.sdk.appending import Appender
from taskscope.sdk.recorder import Recorder
from taskscope.sdk.room import LIMIT_MB, limit_bytes, waiting_bytes
from tests.sdk.processes import Reader, Start, Wait

MIB = 1 << 20


def size_of(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "spool").glob("*.seg"))


@pytest.mark.parametrize(
    ("text", "expected"), [("", LIMIT_MB * MIB), ("7", 7 * MIB), ("0.5", MIB // 2), (" 12 ", 12 * MIB)]
)
def test_the_limit_is_read_from_the_environment(text: str, expected: int) -> None:
    assert limit_bytes({"TASKSCOPE_SPOOL_LIMIT_MB": text}) == expected
    assert limit_bytes({}) == LIMIT_MB * MIB


@pytest.mark.parametrize("text", ["0", "-1", "many", "nan", "inf", "1e99"])
def test_a_limit_that_makes_no_sense_is_the_default_and_said_so(text: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "taskscope"):
        assert limit_bytes({"TASKSCOPE_SPOOL_LIMIT_MB": text}) == LIMIT_MB * MIB
    assert "TASKSCOPE_SPOOL_LIMIT_MB" in caplog.text


def test_what_was_delivered_takes_no_room(tmp_path: Path) -> None:
    (tmp_path / "1-a.seg").write_bytes(bytes(1000))
    (tmp_path / "2-b.extra.seg").write_bytes(bytes(500))
    (tmp_path / "1-a.seg.offset").write_text("900")
    (tmp_path / "gone.seg.offset").write_text("900")
    (tmp_path / "torn").mkdir()
    assert waiting_bytes(tmp_path, 1499) == 600
    assert waiting_bytes(tmp_path, 1500) == 1500  # not looked at more closely than needed
    (tmp_path / "1-a.seg.offset").write_text("nonsense")
    assert waiting_bytes(tmp_path, 0) == 1500


@pytest.fixture
def recorder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Record into a spool of 64 KiB, looking at each segment also where a look takes long."""
    monkeypatch.setattr("taskscope.sdk.appending._REST_SHARE", 0)
    monkeypatch.setenv("TASKSCOPE_SPOOL_LIMIT_MB", "0.0625")
    return Recorder("shop", "w-1", home)


def fill(recorder: Recorder, event: str) -> int:
    """Record until facts are dropped, and then some more."""
    kept = 0
    while recorder.dropped < 1:
        recorder.record(event, task="t", sender=recorder.sender)
        kept += 1
    for _ in range(20):
        recorder.record(event, task="t", sender=recorder.sender)
    return kept - 1


def test_task_facts_are_dropped_at_the_limit_and_kept_again_once_there_is_room(
    home: Path, recorder: Recorder, reader: Reader, eventually: Wait
) -> None:
    kept = fill(recorder, "task.started")
    assert 65_536 <= size_of(home) < 65_536 + 1_000
    assert recorder.dropped == 21
    assert len(reader.tasks()) == kept

    def again() -> bool:
        recorder.record("task.succeeded", task="t")
        return len(reader.tasks()) > kept

    eventually(again)
    [gap] = [gap["data"] for gap in reader.gaps()]
    assert (gap["class"], gap["dropped"], gap["reason"]) == ("task", recorder.dropped, "spool over its limit")
    recorder.close()


def test_heartbeats_progress_and_samples_are_dropped_before_task_facts(
    home: Path, recorder: Recorder, reader: Reader
) -> None:
    for event in ("worker.heartbeat", "task.progress", "resource.sampled"):
        while not recorder.dropped:
            recorder.record(event, task="t", sender=recorder.sender)
        recorder.record(event, task="t", sender=recorder.sender)
    assert set(recorder.drops) == {("extra", "spool over its limit")}
    assert 0.8 * 65_536 <= size_of(home) < 0.8 * 65_536 + 1_000
    extras = recorder.dropped
    kept = 0
    while recorder.dropped == extras:
        recorder.record("task.started", task="t", sender=recorder.sender)
        kept += 1
    assert kept > 30
    recorder.close()
    assert len([fact for fact in reader.tasks() if fact["type"] == "task.started"]) == kept - 1
    assert [gap["data"]["class"] for gap in reader.gaps()] == ["extra"]


def test_a_spool_that_is_drained_takes_more_than_its_limit_over_time(
    home: Path, recorder: Recorder, reader: Reader
) -> None:
    for _ in range(20):
        for _ in range(20):
            recorder.record("task.started", {"args": "x" * 300}, task="t", sender=recorder.sender)
        reader.read()
    assert recorder.dropped == 0
    assert len(reader.tasks()) == 400
    recorder.close()


MANY = """
import os, sys
from pathlib import Path
from taskscope.sdk import appending
from taskscope.sdk.recorder import Recorder
appending._REST_SHARE = 0
recorder = Recorder("shop", None, Path(sys.argv[1]))
for n in range(int(sys.argv[2])):
    if os.fork() == 0:
        while not recorder.dropped:
            recorder.record("task.started", {"args": "x" * 300}, task=f"t-{n}")
        os._exit(0)
for _ in range(int(sys.argv[2])):
    assert os.wait()[1] == 0
"""


def test_many_processes_at_once_overshoot_by_a_segment_each_at_most(
    child: Start, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKSCOPE_SPOOL_LIMIT_MB", "4")
    child(MANY, "64").finish()
    assert 4 * MIB <= size_of(home) <= 4 * MIB + 64 * (4 * MIB // 512 + 600)


@pytest.mark.parametrize(("took_s", "looks"), [(0.001, 100), (0.1, 5)])
def test_a_look_that_takes_long_is_not_repeated_for_each_segment(
    home: Path, monkeypatch: pytest.MonkeyPatch, took_s: float, looks: int
) -> None:
    clock_s, seen = 0.0, 0

    def look(spool: Path, bound: int) -> int:
        nonlocal clock_s, seen
        clock_s += took_s
        seen += 1
        return 0

    monkeypatch.setattr("taskscope.sdk.appending.monotonic", lambda: clock_s)
    monkeypatch.setattr("taskscope.sdk.appending.waiting_bytes", look)
    monkeypatch.setattr("taskscope.sdk.appending.SEGMENT_LIMIT_BYTES", 1)
    appender = Appender(home, ".seg", limit=MIB, share=1.0)
    for n in range(100):
        assert appender.write(b"x", n / 10) is None  # a segment each, ten in a second
    assert seen == looks
    appender.release()
