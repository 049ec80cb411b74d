"""Giving refused records another chance: they go back into the spool as segments of their own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from taskscope.sdk import rejected
from taskscope.sdk.appending import UNBORN_SUFFIX
from taskscope.sdk.framing import PAYLOAD_LIMIT_BYTES, SEGMENT_SUFFIX, frame
from taskscope.sdk.home import SPOOL
from taskscope.sdk.ids import uuid7
from taskscope.sdk.sidecars import TORN, spool_errors


class Replayed(NamedTuple):
    """What a replay did: records that went back, and lines that could not be read and are set aside in `torn/`."""

    records: int
    unreadable: int


def replay(home: Path) -> Replayed:
    """Write the refused records back into the spool, file by file, and remove the files.

    A segment appears whole (by a rename), locked by nobody, so that any drain adopts it. A crash between that and the
    removal of the file delivers its records twice, which does no harm.

    Raises
    ------
    SpoolError
        A file can't be read or a segment can't be written; files that were not replayed stay.
    """
    records = unreadable = 0
    if not rejected.files(home):
        return Replayed(0, 0)
    with spool_errors(f"the refused records of {home} can't be replayed"), rejected.locked(home):
        for path in rejected.files(home):
            good, bad = _write_back(path, home / SPOOL)
            if bad:
                torn = home / SPOOL / TORN
                torn.mkdir(mode=0o700, exist_ok=True)
                path.rename(torn / f"{path.name}-{uuid7()}")
            else:
                path.unlink()
            records, unreadable = records + good, unreadable + bad
    return Replayed(records, unreadable)


def _write_back(path: Path, spool: Path) -> tuple[int, int]:
    counts = [0, 0]
    born = spool / f"{os.getpid()}-{uuid7()}{SEGMENT_SUFFIX}"
    unborn = born.with_name(born.name + UNBORN_SUFFIX)
    fd = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as segment:
        for payload in _payloads(path, counts):
            segment.write(frame(payload))
        segment.flush()
        os.fsync(segment.fileno())
    if counts[0]:
        unborn.rename(born)
        rejected.sync_folder(spool)
    else:
        unborn.unlink()
    return counts[0], counts[1]


def _payloads(path: Path, counts: list[int]) -> Iterator[bytes]:
    for one in rejected.read(path):
        payload = b"" if one is None else one.payload()
        good = 0 < len(payload) <= PAYLOAD_LIMIT_BYTES
        counts[0 if good else 1] += 1
        if good:
            yield payload
