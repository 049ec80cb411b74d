import os
from pathlib import Path

import pytest

from taskscope.sdk.framing import frame
from taskscope.sdk.segments import drain
from taskscope.sdk.spool import SpoolWriter
from taskscope.sdk.syncing import sync


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Name what is handed to the disk, beside really handing it over."""
    names: list[str] = []
    fdatasync = os.fdatasync

    def told(fd: int) -> None:
        names.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        fdatasync(fd)

    monkeypatch.setattr(os, "fdatasync", told)
    return names


def test_what_waits_in_the_spool_is_put_onto_the_disk_once(home: Path, synced: list[str]) -> None:
    writer = SpoolWriter(home)
    writer.append(b"one")
    (home / "spool" / "1-dead.seg").write_bytes(frame(b"two"))
    assert sync(home) == 2
    assert sorted(synced)[:1] == ["1-dead.seg"]
    assert "spool" in synced  # the names of the segments too
    synced.clear()
    assert (sync(home), synced) == (0, [])
    writer.append(b"three")
    assert sync(home) == 1
    assert len(synced) == 1
    writer.close()


def test_what_was_delivered_needs_no_synchronising(home: Path) -> None:
    writer = SpoolWriter(home)
    writer.append(b"one")
    drain(home, lambda _: None)
    assert sync(home) == 0
    writer.append(b"two")
    assert sync(home) == 1
    writer.close()


def test_a_segment_of_the_same_name_and_size_is_another_one(home: Path) -> None:
    spool = home / "spool"
    spool.mkdir(parents=True)
    (spool / "1-a.seg").write_bytes(frame(b"one"))
    assert sync(home) == 1
    (spool / "1-b.seg").write_bytes(frame(b"two"))
    (spool / "1-b.seg").replace(spool / "1-a.seg")
    assert sync(home) == 1


def test_a_disk_that_refuses_is_tried_again_and_the_others_are_still_synchronised(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = home / "spool"
    spool.mkdir(parents=True)
    for name in ("1-a.seg", "2-b.seg"):
        (spool / name).write_bytes(frame(b"one"))

    def refuse(fd: int) -> None:
        if Path(f"/proc/self/fd/{fd}").readlink().name == "1-a.seg":
            raise OSError(5, "made up")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", refuse)
        assert sync(home) == 1
    assert sync(home) == 1
    assert sync(home) == 0


def test_a_home_without_a_spool_has_nothing_to_synchronise(home: Path) -> None:
    assert sync(home) == 0
    assert not home.exists()
