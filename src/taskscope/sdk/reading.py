"""Reading records of a segment, in bounded memory."""

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from taskscope.sdk.framing import HEADER_BYTES, PAYLOAD_LIMIT_BYTES, unframe
from taskscope.sdk.sidecars import spool_errors

CHUNK_RECORDS = 5_000
CHUNK_BYTES = 8 << 20
_log = logging.getLogger("taskscope")


def read_records(
    path: Path, offset: int, *, max_bytes: int = CHUNK_BYTES, max_records: int = CHUNK_RECORDS
) -> tuple[list[bytes], int, bool]:
    """Read whole records of a segment from an offset on, in bounded memory.

    Parameters
    ----------
    path
        The segment.
    offset
        Where a record begins, in bytes.
    max_bytes
        How much to read at once; at least one record of the greatest size is always read.
    max_records
        How many records to give at most.

    Returns
    -------
    records
        Payloads, in the order in which they were recorded.
    next_offset
        Where to go on reading.
    torn
        True when what stands at `offset` is not a whole record, and no more of it is in the file.
    """
    with spool_errors(f"the segment {path} can't be read"):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            end = os.fstat(fd).st_size
            records, after = read(fd, offset, end, max_bytes=max_bytes, max_records=max_records)
            return records, after, not records and offset < end
        finally:
            os.close(fd)


def read(fd: int, offset: int, end: int, *, max_bytes: int, max_records: int) -> tuple[list[bytes], int]:
    """Read whole records of an open segment from an offset on, none beyond `end`; and give where to go on.

    No records before `end`: what stands there is torn, or not written to its end yet.
    """
    # A record of the greatest size is always read whole.
    bound = min(max(max_bytes, HEADER_BYTES + PAYLOAD_LIMIT_BYTES), end - offset)
    records, used, _ = unframe(os.pread(fd, bound, offset), limit=max_records)
    return records, offset + used


@contextmanager
def opened(path: Path) -> Iterator[int | None]:
    """Open a segment; None for one that is no plain file of our own, which somebody else may have planted."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        _log.warning("the segment %s can't be opened: %s", path, error)
        yield None
        return
    try:
        found = os.fstat(fd)
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if not ours:
            _log.warning("the segment %s is refused: it belongs to uid %d", path, found.st_uid)
        yield fd if ours else None
    finally:
        os.close(fd)
