import os
import threading
from pathlib import Path

import pytest

from taskscope.errors import SpoolError
from taskscope.sdk.framing import frame
from taskscope.sdk.reading import read_records
from taskscope.sdk.segments import Drained, drain
from taskscope.sdk.spool import SpoolWriter
from tests.sdk.processes import Start

PAYLOADS = [b"record %d" % n for n in range(10)]

OWNER = """
import sys
from pathlib import Path
from taskscope.sdk.spool import SpoolWriter
writer = SpoolWriter(Path(sys.argv[1]))
for line in sys.stdin.buffer:
    writer.append(line.strip())
    print("kept", flush=True)
"""


@pytest.fixture
def spool(home: Path) -> Path:
    spool = home / "spool"
    spool.mkdir(parents=True, mode=0o700)
    return spool


def dead_segment(spool: Path, payloads: list[bytes], tail: bytes = b"", name: str = "1-a.seg") -> Path:
    path = spool / name
    path.write_bytes(b"".join(map(frame, payloads)) + tail)
    return path


def nothing_comes(records: list[bytes]) -> None:
    assert not records, "nothing was to be delivered"
    pytest.fail("not even an empty chunk")


def test_reading_goes_on_where_it_stopped_in_bounded_steps(spool: Path) -> None:
    path = dead_segment(spool, PAYLOADS)
    found: list[bytes] = []
    offset = 0
    for _ in range(4):
        records, offset, torn = read_records(path, offset, max_records=3)
        assert len(records) <= 3
        assert not torn
        found += records
    assert found == PAYLOADS
    assert read_records(path, offset) == ([], path.stat().st_size, False)


def test_reading_is_bounded_in_bytes_and_still_reads_the_greatest_record(spool: Path) -> None:
    payloads = [bytes([65 + n]) * (1 << 20) for n in range(3)]
    path = dead_segment(spool, payloads)
    records, offset, torn = read_records(path, 0, max_bytes=10)
    assert (records, torn) == (payloads[:1], False)
    assert read_records(path, offset, max_bytes=10)[0] == payloads[1:2]


@pytest.mark.parametrize("tail", [frame(b"cut short")[:-1], b"\x05", bytes(100), frame(b"x")[:-1] + b"y"])
def test_a_tail_that_is_no_record_is_torn(spool: Path, tail: bytes) -> None:
    path = dead_segment(spool, PAYLOADS, tail)
    records, offset, _ = read_records(path, 0)
    assert records == PAYLOADS
    assert offset == path.stat().st_size - len(tail)
    assert read_records(path, offset) == ([], offset, True)


def test_a_torn_tail_of_a_dead_process_is_set_aside_as_it_is(home: Path, spool: Path) -> None:
    tail = frame(b"never whole")[:-3]
    path = dead_segment(spool, PAYLOADS, tail)
    offset = path.stat().st_size - len(tail)
    found: list[bytes] = []
    done = drain(home, found.extend)
    assert found == PAYLOADS
    assert (done.records, done.segments, done.removed, done.torn) == (10, 1, 1, 1)
    assert (spool / "torn" / f"1-a.seg-{offset}").read_bytes() == tail
    assert sorted(path.name for path in spool.iterdir()) == ["drain.lock", "torn"]


def test_what_follows_a_damaged_record_is_set_aside_with_it(home: Path, spool: Path) -> None:
    damaged = frame(b"damaged")[:-1] + b"?"
    dead_segment(spool, PAYLOADS[:2], damaged + frame(b"after"))
    found: list[bytes] = []
    assert drain(home, found.extend).torn == 1
    assert found == PAYLOADS[:2]
    (tail,) = (spool / "torn").iterdir()
    assert tail.read_bytes() == damaged + frame(b"after")


def test_an_unfinished_tail_of_a_living_process_is_left_for_later(home: Path) -> None:
    writer = SpoolWriter(home)
    writer.append(b"first")
    record = frame(b"second")
    os.write(writer._task._fd, record[:5])
    found: list[bytes] = []
    done = drain(home, found.extend)
    assert (found, done.removed, done.torn) == ([b"first"], 0, 0)
    os.write(writer._task._fd, record[5:])
    assert drain(home, found.extend).records == 1
    assert found == [b"first", b"second"]
    writer.close()
    assert drain(home, found.extend).removed == 1
    assert len(found) == 2


def test_segments_are_drained_in_the_order_of_their_names_and_in_chunks_that_span_them(home: Path, spool: Path) -> None:
    dead_segment(spool, PAYLOADS[5:], name="2-b.seg")
    dead_segment(spool, PAYLOADS[:5], name="1-a.extra.seg")
    chunks: list[list[bytes]] = []
    done = drain(home, chunks.append, chunk_records=3)
    assert [len(chunk) for chunk in chunks] == [3, 3, 3, 1]
    assert [record for chunk in chunks for record in chunk] == PAYLOADS
    assert (done.records, done.segments, done.removed) == (10, 2, 2)


def test_a_chunk_is_bounded_in_bytes_too(home: Path, spool: Path) -> None:
    for n in range(5):
        dead_segment(spool, [b"x" * 1000] * 4, name=f"{n}-a.seg")
    chunks: list[list[bytes]] = []
    drain(home, chunks.append, chunk_bytes=8000)
    assert [len(chunk) for chunk in chunks] == [8, 8, 4]


@pytest.mark.parametrize("failing", range(5))
def test_what_could_not_be_delivered_is_delivered_by_the_next_drain(home: Path, spool: Path, failing: int) -> None:
    dead_segment(spool, PAYLOADS)
    found: list[bytes] = []
    calls = 0

    def deliver(records: list[bytes]) -> None:
        nonlocal calls
        calls += 1
        if calls == failing + 1:
            raise ConnectionError("the store is away")
        found.extend(records)

    with pytest.raises(ConnectionError):
        drain(home, deliver, chunk_records=2)
    assert found == PAYLOADS[: 2 * failing]
    drain(home, deliver, chunk_records=2)
    assert found == PAYLOADS


@pytest.mark.parametrize("failing", range(4))
def test_of_a_chunk_that_spans_segments_nothing_is_marked_before_it_is_delivered(
    home: Path, spool: Path, failing: int
) -> None:
    living = SpoolWriter(home)
    for payload in PAYLOADS[:4]:
        living.append(payload)
    dead_segment(spool, PAYLOADS[4:8], tail=b"torn", name="0-a.seg")
    dead_segment(spool, PAYLOADS[8:], name="0-b.seg")
    found: list[bytes] = []
    calls = 0

    def deliver(records: list[bytes]) -> None:
        nonlocal calls
        calls += 1
        if calls == failing + 1:
            raise ConnectionError("the server is away")
        found.extend(records)

    before = {path.name: path.read_bytes() for path in spool.iterdir()}
    with pytest.raises(ConnectionError):
        drain(home, deliver, chunk_records=3)
    assert len(found) == 3 * failing
    if not failing:
        assert {path.name: path.read_bytes() for path in spool.iterdir() if path.name != "drain.lock"} == before
    done = drain(home, deliver, chunk_records=3)
    assert sorted(found) == PAYLOADS
    assert not (spool / "0-a.seg").exists()
    assert done.records == 10 - 3 * failing
    assert len(list((spool / "torn").iterdir())) == 1
    living.close()


def test_a_segment_that_can_not_be_read_does_not_hold_up_those_behind_it(
    home: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = dead_segment(spool, PAYLOADS[:1], name="0-bad.seg")
    bad = path.stat().st_ino
    dead_segment(spool, PAYLOADS[1:], name="1-good.seg")
    pread = os.pread

    def refuse(fd: int, count: int, offset: int) -> bytes:
        if os.fstat(fd).st_ino == bad:
            raise OSError(5, "made up")
        return pread(fd, count, offset)

    found: list[bytes] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", refuse)
        assert drain(home, found.extend).refused == 1
    assert found == PAYLOADS[1:]
    assert drain(home, found.extend).removed == 1
    assert sorted(found) == PAYLOADS


def test_a_drain_that_dies_after_delivering_delivers_again(home: Path, spool: Path) -> None:
    dead_segment(spool, PAYLOADS)
    found: list[bytes] = []

    def deliver(records: list[bytes]) -> None:
        found.extend(records)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drain(home, deliver)
    drain(home, found.extend)
    assert found == PAYLOADS + PAYLOADS


@pytest.mark.parametrize("offset", ["", "x", "-3", "99999999"])
def test_an_offset_that_can_not_be_right_begins_anew(home: Path, spool: Path, offset: str) -> None:
    path = dead_segment(spool, PAYLOADS)
    path.with_name("1-a.seg.offset").write_text(offset)
    found: list[bytes] = []
    drain(home, found.extend)
    assert found == PAYLOADS


def test_what_is_appended_during_a_drain_by_a_process_that_then_dies_is_not_lost(child: Start, home: Path) -> None:
    owner = child(OWNER)
    owner.say("early")
    assert owner.line() == "kept"
    found: list[bytes] = []

    def deliver(records: list[bytes]) -> None:
        found.extend(records)
        owner.say("late")
        owner.finish()

    assert drain(home, deliver).removed == 0
    assert found == [b"early"]
    assert drain(home, found.extend).removed == 1
    assert found == [b"early", b"late"]


def test_only_one_drain_works_on_a_home_at_a_time(home: Path, spool: Path) -> None:
    dead_segment(spool, PAYLOADS)
    others: list[Drained] = []
    drain(home, lambda _: others.append(drain(home, nothing_comes)))
    assert [other.busy for other in others] == [True]
    assert others[0].segments == 0


def test_a_drain_that_waits_gets_its_turn(home: Path, spool: Path) -> None:
    dead_segment(spool, PAYLOADS)
    working, release = threading.Event(), threading.Event()
    later: list[bytes] = []

    def deliver(_: list[bytes]) -> None:
        working.set()
        release.wait()

    first = threading.Thread(target=drain, args=(home, deliver))
    second = threading.Thread(target=drain, args=(home, later.extend), kwargs={"wait": True})
    first.start()
    working.wait()
    dead_segment(spool, [b"new"], name="9-z.seg")
    second.start()
    release.set()
    first.join()
    second.join()
    assert later == [b"new"]


def test_a_home_without_a_spool_is_empty(home: Path) -> None:
    assert drain(home, nothing_comes).segments == 0
    assert not home.exists()


def test_a_segment_that_is_a_link_is_refused_and_left_alone(tmp_path: Path, home: Path, spool: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(frame(b"forged"))
    (spool / "1-a.seg").symlink_to(foreign)
    assert drain(home, nothing_comes).refused == 1
    assert foreign.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_segment_of_another_user_is_refused_and_left_alone(home: Path, spool: Path) -> None:
    path = dead_segment(spool, PAYLOADS)
    os.chown(path, 12345, 12345)
    assert drain(home, nothing_comes).refused == 1
    assert path.exists()


def test_what_a_crash_left_behind_is_swept_up(home: Path, spool: Path) -> None:
    for name in ("1-a.seg.offset", "1-a.seg.offset.tmp", "2-b.seg.new", "3-c.seg.new"):
        (spool / name).touch()
    os.utime(spool / "2-b.seg.new", (0, 0))
    drain(home, nothing_comes)
    assert sorted(path.name for path in spool.iterdir()) == ["3-c.seg.new", "drain.lock"]


def test_a_spool_that_can_not_be_locked_is_a_spool_error(home: Path, spool: Path) -> None:
    (spool / "drain.lock").mkdir()
    with pytest.raises(SpoolError):
        drain(home, nothing_comes)
