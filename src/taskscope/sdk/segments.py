"""Reading the spool: every recorded fact is delivered at least once, then its segment goes.

How one segment is drained:

1. Try to take its lock. Who gets it knows that the owner is gone, and that nothing can be appended any more: this comes
   before the last read, so that nothing written in between is removed unread.
2. Read from the offset that its sidecar file names, deliver, and only then move the offset on. A crash in between
   delivers the same records again; the store recognises them. A chunk that is delivered spans segments: thousands of
   processes that left some records each cost a few deliveries.
3. A tail that is no whole record is left alone while the owner lives (it may be writing it right now). Behind a dead
   owner it is set aside in `spool/torn/`, never guessed at.
4. The segment of a dead owner is removed, then its sidecar.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from taskscope.sdk import forks
from taskscope.sdk.framing import SEGMENT_SUFFIX
from taskscope.sdk.home import SPOOL
from taskscope.sdk.reading import CHUNK_BYTES, CHUNK_RECORDS, opened, read
from taskscope.sdk.sidecars import read_offset, remove, set_aside, spool_errors, sweep, write_offset

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
        Takes a chunk of records, of one or more segments; what it returns from is not delivered again. Whatever it
        raises ends the drain, and nothing of that chunk is marked: the next drain delivers it again.
    wait
        Wait for another process that drains this home, instead of leaving it the work.
    chunk_records
        Records in one chunk, at most.
    chunk_bytes
        Bytes of a chunk, more or less: the record that passes the bound is still in it, and it may be 1 MiB large.

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
        chunk = _Chunk(deliver, done, max_records=chunk_records, max_bytes=chunk_bytes)
        for path in _segments(spool):
            _take(path, chunk, done)
        chunk.flush()
        sweep(spool)
    return done


class _Chunk:
    """Records of one or more segments that are delivered together, and what may be marked once they are."""

    def __init__(self, deliver: Deliver, done: Drained, *, max_records: int, max_bytes: int) -> None:
        self._deliver = deliver
        self._done = done
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._empty()

    def _empty(self) -> None:
        self._records: list[bytes] = []
        self._bytes = 0
        self._reached: dict[Path, int] = {}
        self._ended: dict[Path, int | None] = {}

    @property
    def room(self) -> tuple[int, int]:
        """How many records and bytes it still takes; always some."""
        return self._max_records - len(self._records), self._max_bytes - self._bytes

    def add(self, path: Path, records: list[bytes], offset: int) -> None:
        """Take records of a segment, which end at an offset."""
        self._records += records
        self._bytes += sum(map(len, records))
        self._reached[path] = offset
        if len(self._records) >= self._max_records or self._bytes >= self._max_bytes:
            self.flush()

    def end(self, path: Path, torn_at: int | None) -> None:
        """Note that all of a segment is in this chunk or was delivered, and that nothing will be appended to it."""
        self._reached.pop(path, None)
        self._ended[path] = torn_at

    def flush(self) -> None:
        """Deliver what there is, and only then mark it: a crash in between delivers it again."""
        if self._records:
            self._deliver(self._records)
            self._done.records += len(self._records)
        # First what makes room: on a full disk no offset can be written.
        for path, torn_at in self._ended.items():
            if torn_at is not None:
                set_aside(path, torn_at)
                self._done.torn += 1
            remove(path)
            self._done.removed += 1
        for path, offset in self._reached.items():
            write_offset(path, offset)
        self._empty()


def _take(path: Path, chunk: _Chunk, done: Drained) -> None:
    """Put what a segment holds into chunks."""
    with opened(path) as fd:
        if fd is None:
            done.refused += 1
            return
        done.segments += 1
        owner_gone = _lock(fd)
        # A living owner may write faster than we read; what comes after this is for the next drain.
        end = os.fstat(fd).st_size
        offset = read_offset(path, end)
        while offset < end:
            most_records, most_bytes = chunk.room
            try:
                records, offset = read(fd, offset, end, max_bytes=most_bytes, max_records=most_records)
            except OSError as error:
                # Those behind it must not wait for a file that the disk does not give back.
                _log.warning("the segment %s can't be read: %s", path, error)
                done.refused += 1
                return
            if not records:
                break  # torn, or a short write that its owner has cut off since we looked
            chunk.add(path, records, offset)
        if owner_gone:
            # Nobody takes its lock any more but a drain, so it need not be held until the chunk is delivered.
            chunk.end(path, offset if offset < end else None)


@contextmanager
def _drain_lock(spool: Path, *, wait: bool) -> Iterator[bool]:
    with spool_errors(f"the spool {spool} can't be locked"):
        fd = os.open(spool / DRAIN_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    forks.keep_private(fd)
    held = False
    try:
        held = _lock(fd, wait=wait)
        yield held
    finally:
        if held:
            fcntl.flock(fd, fcntl.LOCK_UN)
        forks.share(fd)
        os.close(fd)


def _lock(fd: int, *, wait: bool = False) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _segments(spool: Path) -> list[Path]:
    with spool_errors(f"the spool {spool} can't be read"):
        return sorted(path for path in spool.iterdir() if path.name.endswith(SEGMENT_SUFFIX))
