"""Reading the spool: every recorded fact is delivered at least once, then its segment goes.

How one segment is drained:

1. Try to take its lock. Who gets it knows that the owner is gone, and that nothing can be appended any more: this comes
   before the last read, so that nothing written in between is removed unread.
2. Read from the offset that its sidecar file names, deliver, and only then move the offset on. A crash in between
   delivers the same records again; the store recognises them.
3. A tail that is no whole record is left alone while the owner lives (it may be writing it right now). Behind a dead
   owner it is set aside in `spool/torn/`, never guessed at.
4. The segment of a dead owner is removed, then its sidecar.
"""

import fcntl
import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from taskscope.sdk.framing import HEADER_BYTES, PAYLOAD_LIMIT_BYTES, SEGMENT_SUFFIX, unframe
from taskscope.sdk.home import SPOOL
from taskscope.sdk.sidecars import read_offset, remove, set_aside, spool_errors, sweep, write_offset

CHUNK_RECORDS = 5_000
CHUNK_BYTES = 8 << 20
DRAIN_LOCK = "drain.lock"
_log = logging.getLogger("taskscope")

Deliver = Callable[[list[bytes]], object]


@dataclass(slots=True)
class Drained:
    """What one drain did.

    Attributes
    ----------
    records
        Records delivered.
    segments
        Segments looked at.
    removed
        Segments whose owner is gone and that were delivered to their end.
    torn
        Tails set aside.
    refused
        Segments of another user, or no plain files, left untouched.
    busy
        True when another process was draining this home, so nothing was done.
    """

    records: int = 0
    segments: int = 0
    removed: int = 0
    torn: int = 0
    refused: int = 0
    busy: bool = False


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
        True when what stands at `next_offset` is not a whole record and no more of it is in the file.
    """
    bound = max(max_bytes, HEADER_BYTES + PAYLOAD_LIMIT_BYTES)
    with spool_errors(f"the segment {path} can't be read"), path.open("rb", buffering=0) as file:
        file.seek(offset)
        buffer = file.read(bound)
    records, used, broken = unframe(buffer, limit=max_records)
    at_end = len(buffer) < bound
    unfinished = at_end and len(records) < max_records and used < len(buffer)
    return records, offset + used, broken or unfinished


def drain(
    home: Path,
    deliver: Deliver,
    *,
    wait: bool = False,
    chunk_records: int = CHUNK_RECORDS,
    chunk_bytes: int = CHUNK_BYTES,
) -> Drained:
    """Deliver all that is in the spool of a home, in the order of its segments' names.

    Parameters
    ----------
    home
        The home folder.
    deliver
        Takes a chunk of records; what it returns from is not delivered again, whatever it raises ends the drain and
        is delivered again by the next one.
    wait
        Wait for another process that drains this home, instead of leaving it the work.
    chunk_records
        Records in one chunk, at most.
    chunk_bytes
        Bytes of a segment read at once.

    Raises
    ------
    SpoolError
        The spool can't be read or its offsets can't be written.
    Exception
        Whatever `deliver` raises.
    """
    spool = home / SPOOL
    done = Drained()
    if not spool.is_dir():
        return done
    with _drain_lock(spool, wait=wait) as held:
        if not held:
            done.busy = True
            return done
        for path in _segments(spool):
            _drain_segment(path, deliver, done, max_bytes=chunk_bytes, max_records=chunk_records)
        sweep(spool)
    return done


def _drain_segment(path: Path, deliver: Deliver, done: Drained, *, max_bytes: int, max_records: int) -> None:
    with _opened(path) as fd:
        if fd is None:
            done.refused += 1
            return
        done.segments += 1
        owner_gone = _lock(fd)
        # A living owner may write faster than we read; what comes after this is for the next drain.
        end = os.fstat(fd).st_size
        offset = read_offset(path, end)
        torn = False
        while offset < end and not torn:
            records, after, torn = read_records(path, offset, max_bytes=max_bytes, max_records=max_records)
            if not records:
                break  # torn, or a short write that its owner has cut off since we looked
            deliver(records)
            done.records += len(records)
            offset = after
            write_offset(path, offset)
        if owner_gone:
            if offset < end:
                set_aside(path, offset)
                done.torn += 1
            remove(path)
            done.removed += 1


@contextmanager
def _drain_lock(spool: Path, *, wait: bool) -> Iterator[bool]:
    with spool_errors(f"the spool {spool} can't be locked"):
        fd = os.open(spool / DRAIN_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    held = False
    try:
        held = _lock(fd, wait=wait)
        yield held
    finally:
        if held:
            fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


def _lock(fd: int, *, wait: bool = False) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
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


def _segments(spool: Path) -> list[Path]:
    with spool_errors(f"the spool {spool} can't be read"):
        return sorted(path for path in spool.iterdir() if path.name.endswith(SEGMENT_SUFFIX))
