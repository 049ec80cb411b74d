"""Copies are whole and consistent whatever goes on beside them, and come back whole or not at all."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from taskscope import stats
from taskscope.errors import StoreBusyError, StoreError
from taskscope.store.sqlite import SqliteStore, connection, copies
from taskscope.store.sqlite.queries import migrations
from taskscope.testing import a_run, deliver, picture

HERE = Path(__file__).parent


def told(done: int, total: int) -> None:
    assert 0 <= done <= total


def started(script: str, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def shown(path: Path) -> dict[str, Any]:
    """Verify a store, and show what it says."""
    store = SqliteStore(path)
    try:
        assert stats.verify(store)["differences"] == []
        return picture(store)
    finally:
        store.close()


def made(path: Path, job: str, tasks: int) -> Path:
    """Make a store in which each name has another number than in one of another job."""
    store = SqliteStore(path)
    facts = [f for n in range(tasks) for f in a_run(f"{job}{n}", n, 1, job=job, queue=f"q-{job}", worker=job)]
    deliver(store, facts)
    store.close()
    return path


def test_a_copy_that_is_made_while_others_write_holds_what_was_committed_when_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_STEP_PAGES", 4)  # so that they commit between its steps
    live = tmp_path / "live.db"
    store = SqliteStore(live)
    writers = [started("counter.py", live, name) for name in ("a", "b")]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    sizes = []
    for number in range(5):
        target = tmp_path / f"{number}.db"
        store.backup(target, told)
        shown(target)
        copied = sqlite3.connect(target)
        found: defaultdict[str, list[int]] = defaultdict(list)
        for (name,) in copied.execute("SELECT id FROM event ORDER BY seq"):
            writer_name, _, position = name.partition("-")
            found[writer_name].append(int(position))
        copied.close()
        assert set(found) == {"a", "b"}
        for numbers in found.values():
            assert numbers == list(range(len(numbers)))
            assert len(numbers) % 10 == 0
        sizes.append(sum(map(len, found.values())))
        assert target.stat().st_mode & 0o777 == 0o600
    for writer in writers:
        ended(writer)
    assert sizes == sorted(set(sizes)), "nobody wrote meanwhile"
    store.close()


def test_a_copy_is_one_file_that_can_be_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    store = SqliteStore(made(tmp_path / "live.db", "a", 3))
    store.backup(tmp_path / "copy.db", told)
    assert (tmp_path / "copy.db").read_bytes()[18:20] == b"\x01\x01"  # no write-ahead log
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    store.close()


def test_what_a_copy_replaced_is_kept_to_the_last_commit(tmp_path: Path) -> None:
    live, copy = made(tmp_path / "live.db", "a", 5), made(tmp_path / "copy.db", "b", 9)
    expected = {path: shown(path) for path in (live, copy)}
    copies.restore(copy, live, tmp_path / "before.db", told)
    assert shown(live) == expected[copy]
    assert shown(tmp_path / "before.db") == expected[live]
    copies.restore(tmp_path / "before.db", live, None, told)
    assert shown(live) == expected[live]
    assert not list(tmp_path.glob("*.restore-*"))


def test_a_store_that_is_open_goes_on_with_the_numbers_of_the_copy(tmp_path: Path) -> None:
    live = made(tmp_path / "live.db", "a", 5)
    copy = SqliteStore(made(tmp_path / "copy.db", "b", 9))
    store = SqliteStore(live)
    more = [fact for job in "abc" for fact in a_run(f"more-{job}", 100, 5, job=job, queue=f"q-{job}", worker=job)]
    deliver(store, more)  # it has learned all names now
    copies.restore(tmp_path / "copy.db", live, None, told)
    deliver(store, more)
    deliver(copy, more)
    assert picture(store) == picture(copy)
    assert stats.verify(store)["differences"] == []
    store.close()
    copy.close()


def test_a_copy_with_other_pages_is_taken_in(tmp_path: Path) -> None:
    live, copy = made(tmp_path / "live.db", "a", 5), made(tmp_path / "copy.db", "b", 9)
    other = sqlite3.connect(copy, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("PRAGMA page_size = 4096")
    other.execute("VACUUM")
    other.close()
    expected = shown(copy)
    copies.restore(copy, live, None, told)
    assert shown(live) == expected


def test_a_copy_of_an_older_version_is_brought_up_to_date_and_left_as_it_was(tmp_path: Path) -> None:
    live, old = made(tmp_path / "live.db", "a", 5), tmp_path / "old.db"
    scripts = migrations()
    older = sqlite3.connect(old, isolation_level=None)
    for statement in connection.split(scripts[0]):
        older.execute(statement)
    older.execute("PRAGMA user_version = 1")
    older.close()
    content = old.read_bytes()
    copies.restore(old, live, None, told)
    assert shown(live)["stats"]["submitted"] == 0
    assert old.read_bytes() == content
    store = sqlite3.connect(live)
    assert store.execute("PRAGMA user_version").fetchone() == (len(scripts),)
    store.close()


def spoil(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(5 * 8192)
        file.write(b"\xff" * 8192)


def newer(path: Path) -> None:
    store = sqlite3.connect(path)
    store.execute("PRAGMA user_version = 999")
    store.close()


def other(path: Path) -> None:
    path.unlink()
    store = sqlite3.connect(path)
    store.execute("CREATE TABLE something (x)")
    store.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (spoil, "damaged|malformed"),
        (newer, "newer version"),
        (other, "no Taskscope store"),
        (lambda path: path.write_bytes(b"some text"), "not a database"),
        (lambda path: path.write_bytes(b""), "no Taskscope store"),
        (lambda path: path.write_bytes(path.read_bytes()[:20_000]), "malformed|damaged"),
    ],
)
def test_what_is_no_whole_store_is_refused_and_changes_nothing(tmp_path: Path, change: Any, words: str) -> None:
    live, copy = made(tmp_path / "live.db", "a", 5), made(tmp_path / "copy.db", "b", 9)
    change(copy)
    with pytest.raises(StoreError, match=words):
        copies.restore(copy, live, tmp_path / "before.db", told)
    assert shown(live)["stats"]["submitted"] == 5
    with pytest.raises(StoreError, match=words):
        copies.restore_anew(copy, live, tmp_path / "before.db", told)
    assert shown(live)["stats"]["submitted"] == 5
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("live")) == ["live.db"]


def test_a_store_that_others_write_to_without_a_pause_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.02)
    live, copy = made(tmp_path / "live.db", "a", 5), made(tmp_path / "copy.db", "b", 9)
    holder = sqlite3.connect(live, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError):
        copies.restore(copy, live, tmp_path / "before.db", told)
    holder.close()
    assert not (tmp_path / "before.db").exists()
    assert shown(live)["stats"]["submitted"] == 5


def test_two_backups_to_one_file_do_not_meet(tmp_path: Path) -> None:
    store = SqliteStore(made(tmp_path / "live.db", "a", 5))

    def again(done: int, total: int) -> None:
        with pytest.raises(StoreError, match="another process is writing"):
            store.backup(tmp_path / "copy.db", told)

    beside = SqliteStore(tmp_path / "live.db")
    beside.backup(tmp_path / "copy.db", again)
    assert shown(tmp_path / "copy.db")["stats"]["submitted"] == 5
    store.close()
    beside.close()


def rounds(folder: Path, what: str, count: int) -> None:
    """Kill a process that copies or restores at a random moment, again and again."""
    live, first, second = (made(folder / f"{job}.db", job, 150 if job == "b" else 40) for job in "abc")
    whole = [shown(path) for path in (live, first, second)]
    if what == "backup":
        first.unlink()
    for number in range(count):
        chance = random.Random(number)
        process = started("copier.py", what, live, first, second)
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 4)):
            assert process.stdout.readline() == "done\n"
        until = time.perf_counter() + chance.random() * 0.03
        while time.perf_counter() < until:
            pass
        ended(process)
        if what == "backup":
            assert shown(first) == shown(live) == whole[0], f"round {number}"
        else:
            assert shown(live) in whole, f"round {number}"
            assert shown(live.with_name("before.db")) in whole, f"round {number}"
    if what == "backup":
        (beside,) = (SqliteStore(live),)
        beside.backup(first, told)
        beside.close()
    else:
        copies.restore(first, live, None, told)
        assert shown(live) == whole[1]
    # What the killed ones left behind is gone.
    assert not [path.name for path in folder.iterdir() if ".restore-" in path.name or ".tmp" in path.name]


@pytest.mark.parametrize("what", ["backup", "restore"])
def test_twenty_copies_killed_half_way(tmp_path: Path, what: str) -> None:
    rounds(tmp_path, what, 20)


@pytest.mark.soak
@pytest.mark.parametrize("what", ["backup", "restore"])
def test_five_hundred_copies_killed_half_way(tmp_path: Path, what: str) -> None:
    rounds(tmp_path, what, 500)
