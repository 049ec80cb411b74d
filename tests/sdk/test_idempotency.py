import fcntl
import logging
import os
import stat
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import taskscope
from taskscope import ingest, stats
from taskscope.core.normalise import decode_event
from taskscope.ports import Filter
from taskscope.sdk import idempotency
from taskscope.sdk.idempotency import DAY_US, TTL_US, KeyMemory, _entry, _newest
from taskscope.sdk.segments import drain
from taskscope.store.sqlite import SqliteStore
from tests.sdk.processes import Reader, Start

NOW_US = 1_767_860_895_250_000
KEYS = 60

RACE = """
import sys
import taskscope
from taskscope.sdk import idempotency
idempotency.PATIENCE_S = 20  # the test is of who wins, not of how busy this machine is
scope = taskscope.connect("shop")
print("ready", flush=True)
sys.stdin.readline()
for n in range(40):
    print(n, scope.submitted("job", idempotency_key=f"k-{n}"), flush=True)
"""

KILLED = """
import os
import taskscope
scope = taskscope.connect("shop")
for n in range(60):
    os.write(1, f"{n} {scope.submitted('job', idempotency_key=f'k-{n}', args='x' * (n * 50))}\\n".encode())
"""

DIES_IN_BETWEEN = """
import os, signal
import taskscope
from taskscope.sdk.spool import SpoolWriter
SpoolWriter.append = lambda self, payload: os.kill(os.getpid(), signal.SIGKILL)
taskscope.connect("shop").submitted("job", task_id="first", idempotency_key="k", args=[1])
"""

FULL_DISK = """
import resource
import taskscope
scope = taskscope.connect("shop")
for n in range(20):
    scope.submitted("job", idempotency_key="warm")
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
tasks = {scope.submitted("job", idempotency_key="k") for _ in range(3)}
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
again = {scope.submitted("job", idempotency_key="k") for _ in range(3)}
print(len(tasks), len(again))
"""


def remembered(home: Path) -> list[Path]:
    return [path for path in (home / "spool" / "keys").rglob("*") if path.is_file()]


def test_a_repeated_submission_gives_the_first_task_and_counts_once(
    home: Path, scope: taskscope.Scope, tmp_path: Path
) -> None:
    first = scope.submitted("job", queue="audio", idempotency_key="k", args={"n": 1})
    again = scope.submitted("other", task_id="another", queue="video", attempt=2, idempotency_key="k", eta=5)
    new = scope.submitted("job", queue="audio", idempotency_key="other k")
    assert first == again != new
    store = SqliteStore(tmp_path / "store.db")
    receipts = []

    def deliver(records: list[bytes]) -> None:
        receipts.append(ingest.accept(store, [decode_event(record) for record in records], NOW_US * 2))

    drain(home, deliver)
    assert [(receipt.accepted, receipt.duplicates, receipt.rejected) for receipt in receipts] == [(2, 1, [])]
    assert stats.stats(store, Filter())["submitted"] == 2
    assert stats.verify(store)["differences"] == []
    store.close()


def test_a_key_belongs_to_its_service(home: Path, scope: taskscope.Scope) -> None:
    other = taskscope.connect("print", home=home)
    tasks = {one.submitted("job", idempotency_key="k") for one in (scope, other, scope, other)}
    assert len(tasks) == 2
    memory = KeyMemory(home)
    assert memory.standing("a", "bc", b"1", NOW_US) == b"1"
    assert memory.standing("ab", "c", b"2", NOW_US) == b"2"


def test_a_submission_without_a_key_remembers_nothing(home: Path, scope: taskscope.Scope) -> None:
    assert scope.submitted("job") != scope.submitted("job")
    assert remembered(home) == []


def test_a_key_is_known_for_a_day_from_its_first_submission_also_across_midnight(home: Path) -> None:
    memory = KeyMemory(home)
    midnight_us = NOW_US // DAY_US * DAY_US
    for start_us in (midnight_us, midnight_us + DAY_US // 2, midnight_us + DAY_US - 1):
        name = str(start_us)
        assert memory.standing("s", name, b"first", start_us) == b"first"
        assert memory.standing("s", name, b"later", start_us + TTL_US // 2) == b"first"
        assert memory.standing("s", name, b"later", start_us + TTL_US - 1) == b"first"
        assert memory.standing("s", name, b"new", start_us + TTL_US) == b"new"
        assert memory.standing("s", name, b"late", start_us + TTL_US + 1) == b"new"


def test_a_clock_that_is_set_back_forgets_nothing(home: Path) -> None:
    memory = KeyMemory(home)
    just_after_midnight_us = NOW_US // DAY_US * DAY_US + 60_000_000
    memory.standing("s", "k", b"first", just_after_midnight_us)
    assert memory.standing("s", "k", b"second", just_after_midnight_us - 3_600_000_000) == b"first"


def test_what_is_older_than_two_days_is_removed(home: Path) -> None:
    memory = KeyMemory(home)
    for day in range(10):
        memory.standing("s", "k", b"x", NOW_US + day * DAY_US)
        assert len(remembered(home)) <= 2
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in remembered(home))


def test_a_full_file_takes_no_more_and_the_submission_goes_through(
    home: Path,
    scope: taskscope.Scope,
    reader: Reader,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(idempotency, "FILE_LIMIT_BYTES", 1)
    with caplog.at_level(logging.WARNING, "taskscope"):
        first = [scope.submitted("job", idempotency_key=f"k-{n}") for n in range(600)]
        again = [scope.submitted("job", idempotency_key=f"k-{n}") for n in range(600)]
    known = sum(one == other for one, other in zip(first, again, strict=True))
    assert 0 < known == len(remembered(home)) <= 256
    assert len(set(first + again)) == 1200 - known
    assert len(reader.read()) == 1200
    assert "full for today" in caplog.text


entries = st.lists(
    st.tuples(st.sampled_from([b"a" * 16, b"b" * 16, b"ab" * 8]), st.binary(max_size=40).map(lambda text: text + b"}")),
    max_size=8,
)


@given(entries, st.data())
def test_half_an_entry_never_hides_or_alters_a_whole_one(rows: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    written = b""
    expected: dict[bytes, tuple[int, bytes]] = {}
    for number, (name, record) in enumerate(rows):
        entry = _entry(name, number, record)
        kept = data.draw(st.sampled_from([len(entry), data.draw(st.integers(0, len(entry)))]))
        written += entry[:kept]
        if kept == len(entry):
            expected[name] = (number, record)
    for name in (b"a" * 16, b"b" * 16, b"ab" * 8):
        assert _newest(written, name) == expected.get(name)


@pytest.mark.parametrize("damage", ["truncate", "zero", "garble"])
def test_a_damaged_memory_lets_the_submission_through_as_new(home: Path, scope: taskscope.Scope, damage: str) -> None:
    first = scope.submitted("job", idempotency_key="k")
    (path,) = remembered(home)
    whole = path.read_bytes()
    path.write_bytes({"truncate": whole[:-1], "zero": bytes(len(whole)), "garble": whole[::-1]}[damage])
    second = scope.submitted("job", idempotency_key="k")
    assert second != first
    assert scope.submitted("job", idempotency_key="k") == second


@pytest.mark.parametrize("processes", [6])
def test_of_processes_that_race_for_a_key_exactly_one_wins(child: Start, reader: Reader, processes: int) -> None:
    racers = [child(RACE) for _ in range(processes)]
    for racer in racers:
        assert racer.line() == "ready"
    for racer in racers:
        racer.say("go")
    answers = [racer.finish().splitlines() for racer in racers]
    assert all(answer == answers[0] for answer in answers)
    facts = reader.read()
    assert len(facts) == 40 * processes
    assert len({(fact["id"], fact["time"], fact["task"]) for fact in facts}) == 40


def test_threads_that_race_for_a_key_agree(scope: taskscope.Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "PATIENCE_S", 20)
    found: list[str] = []
    start = threading.Barrier(8)

    def submit() -> None:
        start.wait()
        found.extend(scope.submitted("job", idempotency_key=f"k-{n}") for n in range(20))

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(Counter(found).values()) == {8: 20}


def test_a_process_that_dies_between_remembering_and_recording_loses_nothing(
    home: Path, scope: taskscope.Scope, child: Start, reader: Reader
) -> None:
    victim = child(DIES_IN_BETWEEN)
    victim.process.wait()
    assert len(remembered(home)) == 1
    assert reader.read() == []
    assert scope.submitted("job", idempotency_key="k") == "first"
    (fact,) = reader.read()
    assert (fact["task"], fact["data"]) == ("first", {"args": [1], "idempotency_key": "k"})


def kill_and_repeat(child: Start, reader: Reader, rounds: int) -> None:
    """Kill submitters at any moment; what each was told stays true, and each key is one submission in the end."""
    told: dict[str, str] = {}
    for turn in range(rounds + 1):
        victim = child(KILLED)
        account = b"" if turn == rounds else victim.stdout.read(turn * 2477 % (KEYS * 39) + 1)
        if turn < rounds:
            victim.process.kill()
        account += victim.stdout.read()
        victim.process.wait()
        for line in account.decode().splitlines():
            words = line.split()
            if len(words) == 2 and len(words[1]) == 36:
                assert told.setdefault(words[0], words[1]) == words[1]
    facts = reader.read()
    assert len(told) == KEYS
    assert {fact["data"]["idempotency_key"].removeprefix("k-"): fact["task"] for fact in facts} == told
    assert len({(fact["id"], fact["time"]) for fact in facts}) == KEYS


def test_twenty_killed_submitters_leave_one_submission_for_each_key(child: Start, reader: Reader) -> None:
    kill_and_repeat(child, reader, 20)


@pytest.mark.soak
def test_five_hundred_killed_submitters_leave_one_submission_for_each_key(child: Start, reader: Reader) -> None:
    kill_and_repeat(child, reader, 500)


def test_a_full_disk_makes_a_submission_new_and_room_makes_it_known_again(child: Start) -> None:
    assert child(FULL_DISK).finish().split() == ["3", "1"]


def test_a_memory_that_somebody_else_holds_is_waited_for_once_and_not_for_long(
    home: Path, scope: taskscope.Scope, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = scope.submitted("job", idempotency_key="k")
    monkeypatch.setattr(idempotency, "PATIENCE_S", 0.01)
    waited: list[float] = []
    monkeypatch.setattr("taskscope.sdk.idempotency.time.sleep", waited.append)
    (path,) = remembered(home)
    holder = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with caplog.at_level(logging.WARNING, "taskscope"):
        assert scope.submitted("job", idempotency_key="k") != first
        patience = len(waited)
        assert scope.submitted("job", idempotency_key="k") != first
    assert patience >= 1
    assert len(waited) == patience
    assert "locked by another process" in caplog.text
    os.close(holder)
    assert scope.submitted("job", idempotency_key="k") == first


@pytest.mark.parametrize("what", ["a file", "a link", "nowhere"])
def test_where_the_memory_can_not_be_used_the_submission_goes_through(
    tmp_path: Path, home: Path, reader: Reader, what: str
) -> None:
    keys = home / "spool" / "keys"
    keys.parent.mkdir(parents=True)
    if what == "a file":
        keys.touch()
    elif what == "a link":
        keys.mkdir()
        (tmp_path / "elsewhere").mkdir()
        for number in range(256):
            (keys / f"{number:02x}").symlink_to(tmp_path / "elsewhere")
    scope = taskscope.connect(what, home=home if what != "nowhere" else tmp_path / "file" / "home")
    (tmp_path / "file").touch()
    tasks = {scope.submitted("job", idempotency_key="k") for _ in range(3)}
    assert len(tasks) == 3
    assert len(reader.read()) == (0 if what == "nowhere" else 3)
    assert list((tmp_path / "elsewhere").glob("*")) == []
    scope.close()


def test_a_signal_handler_that_strikes_inside_of_a_look_up_does_not_wait_for_itself(
    scope: taskscope.Scope, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("taskscope.sdk.idempotency.time.sleep", lambda _: pytest.fail("it waits"))
    files = idempotency._files
    struck: list[str] = []

    def strike(folder: int, today: int) -> dict[int, str]:
        if not struck:
            struck.append("")
            struck[0] = scope.submitted("job", idempotency_key="k")
        return files(folder, today)

    monkeypatch.setattr(idempotency, "_files", strike)
    with caplog.at_level(logging.WARNING, "taskscope"):
        assert scope.submitted("job", idempotency_key="k") != struck[0]
    assert "a signal handler struck" in caplog.text
