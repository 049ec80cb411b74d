import os
import stat
from pathlib import Path

import pytest

import taskscope
from taskscope.sdk.framing import PAYLOAD_LIMIT_BYTES, frame
from taskscope.sdk.segments import drain
from taskscope.sdk.spool import SpoolWriter
from tests.sdk.processes import Reader, Start, Wait

FORKS_AND_THREADS = """
import os, threading
import taskscope
scope = taskscope.connect()
scope.submitted("job", task_id="parent-before")

def record(name):
    for n in range(200):
        scope.submitted("job", task_id=f"{name}-{n}")

def record_in_threads(name):
    threads = [threading.Thread(target=record, args=(f"{name}-{t}",)) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

for child in range(4):
    if os.fork() == 0:
        record_in_threads(f"child{child}")
        os._exit(0)
record_in_threads("parent")
for _ in range(4):
    assert os.wait()[1] == 0
assert scope.dropped == 0
"""

KILLED = """
import os, sys
import taskscope
scope = taskscope.connect()
n = 0
while True:
    os.write(1, b"%d begun\\n" % n)
    scope.submitted("job", task_id=str(n), args="x" * (n % 997))
    os.write(1, b"%d kept\\n" % n)
    n += 1
"""

FULL_DISK = """
import resource
import taskscope
scope = taskscope.connect()
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_001, hard))
for n in range(100):
    scope.submitted("job", task_id=f"full-{n}")
dropped = scope.dropped
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
kept = False
while not kept:  # what failed is not tried again at once
    before = scope.dropped
    scope.submitted("job", task_id="probe")
    kept = scope.dropped == before
probes = before - dropped
for n in range(50):
    scope.submitted("job", task_id=f"free-{n}")
print(dropped, probes, scope.dropped)
"""

FORKED_AND_KILLED = """
import os, sys
import taskscope
taskscope.connect().submitted("job", task_id="parent")
forked = os.fork() == 0
os.write(1, b"ready\\n")
sys.stdin.read()
"""

INTERRUPTED = """
import signal
import taskscope
scope = taskscope.connect()
hits = 0
def handler(number, frame):
    global hits
    scope.submitted("job", task_id=f"handler-{hits}")
    if hits % 7 == 0:
        scope.close()
    hits += 1
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
n = 0
while hits < 500:
    scope.submitted("job", task_id=f"main-{n}")
    n += 1
signal.setitimer(signal.ITIMER_REAL, 0)
print(n, hits, scope.dropped)
"""


def test_what_forked_children_and_threads_record_is_read_back_exactly_once(child: Start, reader: Reader) -> None:
    child(FORKS_AND_THREADS).finish()
    found = [fact["task"] for fact in reader.read()]
    names = ["parent", *(f"child{n}" for n in range(4))]
    expected = {f"{name}-{thread}-{n}" for name in names for thread in range(4) for n in range(200)}
    assert len(found) == len(set(found))
    assert set(found) == expected | {"parent-before"}
    assert (reader.last.segments, reader.last.removed, reader.last.torn) == (5, 5, 0)


@pytest.mark.parametrize("turn", range(20))
def test_a_killed_process_loses_nothing_that_was_recorded(child: Start, reader: Reader, turn: int) -> None:
    victim = child(KILLED)
    account = victim.stdout.read(40 + turn * 997)
    victim.process.kill()
    account += victim.stdout.read()
    lines = [line.split() for line in account.decode().splitlines()]
    kept = {line[0] for line in lines if line[1:] == ["kept"]}
    begun = {line[0] for line in lines}
    victim.process.wait()
    found = [fact["task"] for fact in reader.read()]
    assert len(found) == len(set(found))
    assert kept <= set(found) <= begun
    assert kept
    assert reader.last.removed >= 1


def test_a_short_write_is_cut_off_and_counted_and_the_application_goes_on(child: Start, reader: Reader) -> None:
    dropped_when_full, probes, dropped = map(int, child(FULL_DISK).finish().split())
    found = [fact["task"] for fact in reader.read() if fact["type"] != "spool.gap"]
    assert 0 < dropped_when_full < 100
    assert dropped == dropped_when_full + probes
    assert len([task for task in found if task.startswith("full")]) == 100 - dropped_when_full
    assert [task for task in found if task.startswith("free")] == [f"free-{n}" for n in range(50)]
    assert sum(gap["data"]["dropped"] for gap in reader.gaps()) == dropped
    assert reader.last.torn == 0


def test_a_segment_is_its_owners_as_long_as_it_lives_and_no_longer(child: Start, reader: Reader) -> None:
    parent = child(FORKED_AND_KILLED)
    assert [parent.line(), parent.line()] == ["ready", "ready"]
    # The forked child has given up its share of the lock; the parent still holds its own.
    assert [fact["task"] for fact in reader.read()] == ["parent"]
    assert reader.last.removed == 0
    # And once the parent is gone, the child that lives on does not hold it in the parent's place.
    parent.process.kill()
    parent.process.wait()
    reader.read()
    assert (reader.last.removed, len(reader.facts)) == (1, 1)


def test_a_signal_handler_may_record_and_close_in_the_middle_of_a_write(child: Start, reader: Reader) -> None:
    main, handler, dropped = map(int, child(INTERRUPTED).finish().split())
    # By event id: a handler that is interrupted by itself names the same task twice.
    found = [fact["id"] for fact in reader.read()]
    assert dropped == 0
    assert len(found) == len(set(found)) == main + handler
    assert reader.last.torn == 0


def test_home_and_spool_are_open_to_their_owner_alone(home: Path, scope: taskscope.Scope) -> None:
    scope.submitted("job")
    (segment,) = (home / "spool").glob("*.seg")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (home, home / "spool", segment)] == [0o700, 0o700, 0o600]
    assert segment.name.split("-")[0] == str(os.getpid())


def test_a_spool_that_was_open_to_others_is_closed(home: Path, scope: taskscope.Scope) -> None:
    (home / "spool").mkdir(parents=True, mode=0o755)
    scope.submitted("job")
    assert stat.S_IMODE((home / "spool").stat().st_mode) == 0o700


def test_nothing_is_made_before_the_first_fact(home: Path, scope: taskscope.Scope) -> None:
    assert scope.dropped == 0
    assert not home.exists()


def test_a_home_that_can_not_be_made_costs_counted_facts_and_no_exception(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    scope = taskscope.connect(home=tmp_path / "file" / "home")
    for _ in range(5):
        scope.submitted("job")
    assert scope.dropped == 5


def test_a_spool_that_is_a_link_is_refused(tmp_path: Path, home: Path, scope: taskscope.Scope) -> None:
    home.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (home / "spool").symlink_to(tmp_path / "elsewhere")
    scope.submitted("job")
    assert scope.dropped == 1
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_full_segment_gives_way_to_another(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskscope.sdk.appending.SEGMENT_LIMIT_BYTES", 100)
    writer = SpoolWriter(home)
    payloads = [b"%02d" % n * 15 for n in range(20)]
    for payload in payloads:
        writer.append(payload)
    found: list[bytes] = []
    done = drain(home, found.extend)
    assert found == payloads
    assert (done.segments, done.removed) == (7, 6)
    writer.close()


def test_where_the_cut_fails_the_segment_is_given_up_and_its_tail_set_aside(
    home: Path, monkeypatch: pytest.MonkeyPatch, eventually: Wait
) -> None:
    writer = SpoolWriter(home)
    writer.append(b"before")
    write = os.write

    def refuse(*_: object) -> None:
        raise OSError(5, "made up")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, record: write(fd, record[:-2]))
        patch.setattr(os, "ftruncate", refuse)
        writer.append(b"lost")

    def kept() -> bool:
        before = writer.dropped
        writer.append(b"after")
        return writer.dropped == before

    eventually(kept)
    found: list[bytes] = []
    done = drain(home, found.extend)
    assert (found[0], found[-1]) == (b"before", b"after")
    assert b"lost" not in found
    assert (done.removed, done.torn) == (1, 1)
    (tail,) = (home / "spool" / "torn").iterdir()
    assert tail.read_bytes() == frame(b"lost")[:-2]
    writer.close()


@pytest.mark.parametrize("size", [0, PAYLOAD_LIMIT_BYTES + 1])
def test_a_record_of_an_impossible_size_is_counted_and_not_written(home: Path, size: int) -> None:
    writer = SpoolWriter(home)
    writer.append(bytes(size))
    assert writer.dropped == 1
    assert not home.exists()
