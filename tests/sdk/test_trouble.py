"""What can go wrong under a running application: it goes on, what is dropped is counted and told, the rest arrives."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskscope.sdk.recorder import Recorder
from tests.sdk.processes import Reader, Start, Wait

root_alone = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system or give a file away")


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """Make the home a file system of 256 KiB."""
    home.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(home)]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {made.stderr}")
    yield home
    subprocess.run(["umount", "--lazy", str(home)], check=True)


@pytest.fixture
def recorder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Record with a look around at every record, so that no test has to wait for a second to pass."""
    monkeypatch.setattr("taskscope.sdk.appending.LOOK_S", 0.0)
    monkeypatch.setattr("taskscope.sdk.appending._LOOK_SHARE", 0.0)
    recorder = Recorder("shop", "w-1", home)
    yield recorder
    recorder.close()


def record(recorder: Recorder, *tasks: str) -> None:
    for task in tasks:
        recorder.record("task.submitted", task=task)


def until_kept(recorder: Recorder, eventually: Wait) -> None:
    def kept() -> bool:
        before = recorder.dropped
        record(recorder, "probe")
        return recorder.dropped == before

    eventually(kept)


def tasks_of(reader: Reader) -> list[str]:
    return [fact["task"] for fact in reader.tasks() if fact["task"] != "probe"]


@root_alone
def test_a_full_disk_costs_counted_facts_and_no_time(
    small_disk: Path, recorder: Recorder, reader: Reader, eventually: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small_disk / "ballast").write_bytes(bytes(128 << 10))
    kept = 0
    while not recorder.dropped:
        record(recorder, f"before-{kept}")
        kept += 1
    kept -= 1
    assert kept > 100
    tries = 0
    write = os.write

    def counted(fd: int, content: bytes) -> int:
        nonlocal tries
        tries += 1
        return write(fd, content)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", counted)
        for _ in range(2_000):
            record(recorder, "lost")
    assert recorder.dropped == 2_001
    assert set(recorder.drops) == {("task", "disk full")}
    assert tries < 20  # it is not tried for each
    (small_disk / "ballast").unlink()
    until_kept(recorder, eventually)
    record(recorder, "after")
    assert tasks_of(reader) == [*(f"before-{n}" for n in range(kept)), "after"]
    assert sum(gap["data"]["dropped"] for gap in reader.gaps()) == recorder.dropped
    assert reader.gaps()[0]["data"]["reason"] == "disk full"
    assert reader.last.torn == 0


@root_alone
def test_a_file_system_that_becomes_read_only_and_comes_back(
    small_disk: Path, recorder: Recorder, reader: Reader, eventually: Wait
) -> None:
    record(recorder, "before")
    recorder.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    record(recorder, "lost", "lost", "lost")
    assert recorder.drops == {("task", "file system is read-only"): 3}
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    until_kept(recorder, eventually)
    assert tasks_of(reader) == ["before"]
    assert [gap["data"]["dropped"] for gap in reader.gaps()] == [recorder.dropped]


def test_a_spool_that_is_removed_while_its_owner_runs_loses_nothing_of_it(
    home: Path, recorder: Recorder, reader: Reader
) -> None:
    record(recorder, *(f"before-{n}" for n in range(100)))
    shutil.rmtree(home)
    record(recorder, "after")
    assert sorted(tasks_of(reader)) == sorted([*(f"before-{n}" for n in range(100)), "after"])
    assert recorder.dropped == 0
    assert reader.last.torn == 0


def test_a_spool_that_is_moved_away_is_left_and_nothing_is_lost(home: Path, recorder: Recorder, reader: Reader) -> None:
    record(recorder, "before")
    (home / "spool").rename(home / "elsewhere")
    record(recorder, "after")
    assert tasks_of(reader) == ["before", "after"]


def test_a_removed_segment_with_a_torn_tail_is_rescued_up_to_it(home: Path, recorder: Recorder, reader: Reader) -> None:
    record(recorder, "before")
    os.write(recorder._writer._task._fd, b"torn")
    shutil.rmtree(home)
    record(recorder, "after")
    assert tasks_of(reader) == ["before", "after"]
    assert reader.last.torn == 0


def test_what_can_not_be_rescued_at_once_is_rescued_later(
    home: Path, recorder: Recorder, reader: Reader, eventually: Wait
) -> None:
    record(recorder, "before")
    shutil.rmtree(home)
    home.write_text("in the way")
    record(recorder, "lost")
    assert recorder.dropped == 1
    home.unlink()
    until_kept(recorder, eventually)
    assert tasks_of(reader) == ["before"]
    assert [gap["data"]["dropped"] for gap in reader.gaps()] == [recorder.dropped]


def test_a_spool_that_is_removed_just_before_the_end_is_rescued_by_closing(
    home: Path, recorder: Recorder, reader: Reader
) -> None:
    record(recorder, "before")
    shutil.rmtree(home)
    recorder.close()
    assert tasks_of(reader) == ["before"]
    assert reader.last.removed == 1


def test_a_segment_is_looked_after_once_a_second_and_not_for_each_record(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    scandir = os.scandir

    def counted(path: Path) -> object:
        nonlocal looks
        looks += 1
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    monkeypatch.setattr("taskscope.sdk.appending.LOOK_S", 3600.0)
    recorder = Recorder("shop", None, home)
    record(recorder, *(str(n) for n in range(1_000)))
    assert looks == 1
    recorder.close()


@root_alone
def test_a_spool_of_another_user_is_refused_with_its_reason(home: Path, recorder: Recorder, reader: Reader) -> None:
    (home / "spool").mkdir(parents=True)
    os.chown(home / "spool", 12345, 12345)
    record(recorder, "lost")
    [((_, reason), count)] = recorder.drops.items()
    assert "belongs to another user (uid 12345)" in reason
    assert count == 1
    assert not list((home / "spool").iterdir())


def test_a_segment_name_that_somebody_planted_as_a_link_is_not_followed(
    tmp_path: Path, home: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskscope.sdk.appending.uuid7", lambda: "planted")
    (home / "spool").mkdir(parents=True)
    (home / "spool" / f"{os.getpid()}-planted.seg.new").symlink_to(tmp_path / "elsewhere")
    record(recorder, "lost")
    assert recorder.dropped == 1
    assert not (tmp_path / "elsewhere").exists()


NO_DESCRIPTORS = """
import os, resource
import taskscope
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
early = taskscope.connect("early")
early.submitted("job", task_id="early-0")
held = []
def exhaust():
    try:
        while True:
            held.append(os.dup(0))
    except OSError:
        pass
exhaust()
early.submitted("job", task_id="early-1")   # its segment is open
assert early.dropped == 0
early.close()
exhaust()
early.submitted("job", task_id="lost")
assert list(early._recorder.drops) == [("task", "no file descriptors left")], early._recorder.drops
for fd in held:
    os.close(fd)
before = -1
while before != early.dropped:
    before = early.dropped
    early.submitted("job", task_id="probe")
early.submitted("job", task_id="early-2")
print(early.dropped)
"""


def test_without_file_descriptors_an_open_segment_goes_on_and_a_new_one_waits(child: Start, reader: Reader) -> None:
    dropped = int(child(NO_DESCRIPTORS).finish())
    assert tasks_of(reader) == ["early-0", "early-1", "early-2"]
    assert sum(gap["data"]["dropped"] for gap in reader.gaps()) == dropped
