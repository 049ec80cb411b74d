import json
import logging
import os
from pathlib import Path

import pytest

from taskscope.errors import SpoolError
from taskscope.sdk import rejected
from taskscope.sdk.rejected import put_aside
from taskscope.sdk.replay import replay
from taskscope.sdk.segments import drain

LONG = b"x" * 400


def kept(home: Path) -> list[bytes]:
    return [one.payload() for path in rejected.files(home) for one in rejected.read(path) if one is not None]


def test_a_refused_record_is_a_line_with_its_reason_for_the_owner_alone(home: Path) -> None:
    put_aside(home, [("no type", b'{"n": 1}')])
    (path,) = rejected.files(home)
    line = json.loads(path.read_text())
    assert line.keys() == {"at", "error", "record"}
    assert (line["error"], line["record"]) == ("no type", '{"n": 1}')
    assert path == home / "spool" / "rejected" / "rejected.ndjson"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_refused_makes_nothing(home: Path) -> None:
    put_aside(home, [])
    assert not home.exists()


def test_a_record_that_is_no_text_is_kept_to_the_byte(home: Path) -> None:
    records = [b"\xff\x00 broken", b"\xed\xa0\x80", "中\n".encode()]
    put_aside(home, [("no", record) for record in records])
    assert kept(home) == records


def test_a_full_file_makes_room_for_another_and_the_oldest_go(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(40):
        put_aside(home, [("no", b"%03d" % number + LONG)], file_bytes=1000, total_bytes=5000)
    found = [record[:3] for record in kept(home)]
    assert found == [b"%03d" % number for number in range(40 - len(found), 40)]
    assert 5 <= len(found) <= 12
    assert sum(path.stat().st_size for path in rejected.files(home)) <= 5000
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert sum(int(message.split()[2]) for message in told) == 40 - len(found)


def test_a_line_that_was_cut_off_spoils_no_other(home: Path) -> None:
    put_aside(home, [("no", b"first")])
    (path,) = rejected.files(home)
    with path.open("ab") as file:
        file.write(b'{"at": "2026')
    put_aside(home, [("no", b"second")])
    assert kept(home) == [b"first", b"second"]
    assert sum(one is None for one in rejected.read(path)) == 1


def test_refused_records_that_can_not_be_kept_are_an_error(home: Path) -> None:
    (home / "spool").mkdir(parents=True, mode=0o700)
    (home / "spool" / "rejected").touch()
    with pytest.raises(SpoolError):
        put_aside(home, [("no", b"x")])


def test_a_replay_puts_everything_back_into_the_spool_once(home: Path) -> None:
    records = [b"%03d" % number + LONG for number in range(20)]
    for record in records:
        put_aside(home, [("no", record)], file_bytes=1000)
    assert len(rejected.files(home)) > 3
    assert replay(home) == (20, 0)
    assert rejected.files(home) == []
    found: list[bytes] = []
    assert drain(home, found.extend).removed > 3
    assert found == records
    assert replay(home) == (0, 0)


def test_a_replay_that_dies_before_it_removes_a_file_replays_it_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_aside(home, [("no", b"one")])
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_: (_ for _ in ()).throw(OSError("killed here")))
        with pytest.raises(SpoolError):
            replay(home)
    assert replay(home) == (1, 0)
    found: list[bytes] = []
    drain(home, found.extend)
    assert found == [b"one", b"one"]


def test_lines_that_can_not_be_replayed_are_set_aside_with_their_file(home: Path) -> None:
    put_aside(home, [("no", b"good")])
    (path,) = rejected.files(home)
    with path.open("ab") as file:
        file.write(b"no JSON\n")
    before = path.read_bytes()
    assert replay(home) == (1, 1)
    (torn,) = (home / "spool" / "torn").iterdir()
    assert torn.read_bytes() == before
    assert rejected.files(home) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_spool_of_another_user_gets_no_refused_records(home: Path) -> None:
    (home / "spool").mkdir(parents=True, mode=0o700)
    os.chown(home / "spool", 12345, 12345)
    with pytest.raises(SpoolError):
        put_aside(home, [("no", b"x")])
