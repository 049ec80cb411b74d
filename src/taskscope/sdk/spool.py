"""Writing the spool: each process appends to a segment of its own.

1. A segment belongs to the process that holds its lock (flock). The kernel frees the lock on death, however that comes,
   so whoever drains knows which segments are finished, without pids and without timeouts.
2. A segment becomes visible (by a rename) only after it was locked: nobody can take a fresh one for a dead one.
3. A record is one `write` to a file opened with O_APPEND, without fsync: what was recorded survives `kill -9` of the
   application, because it is in the kernel by then.
4. A short write is cut off again. Where even that fails, or an exception from a signal handler struck in between, the
   segment is given up and the next record opens another: the old one ends in a torn tail, which the reader sets aside.
5. Nothing is raised. What can't be kept is counted in `dropped`.
"""

import fcntl
import logging
import os
import threading
import time
from collections import deque
from pathlib import Path

from taskscope.errors import SpoolError
from taskscope.sdk import forks
from taskscope.sdk.framing import PAYLOAD_LIMIT_BYTES, SEGMENT_SUFFIX, frame
from taskscope.sdk.home import ensure_spool
from taskscope.sdk.ids import uuid7

# A full segment is closed, so that a drain can remove it while its process goes on.
SEGMENT_LIMIT_BYTES = 16 << 20
UNBORN_SUFFIX = ".new"
_RETRY_OPEN_S = 1.0
_log = logging.getLogger("taskscope")


class SpoolWriter:
    """Appends records to this process's own segment in the spool of one home.

    Parameters
    ----------
    home
        The home folder, made when the first record comes; None for a writer that drops everything.

    Attributes
    ----------
    dropped
        Facts that this process could not keep.
    """

    def __init__(self, home: Path | None) -> None:
        self._home = home
        self._forget()
        forks.register(self)

    def _forget(self) -> None:
        # Reentrant: a signal handler may record while the very thread it interrupted is writing.
        self._lock = threading.RLock()
        self._waiting: deque[bytes] = deque()
        self._writing = False
        self._clean = True
        self._fd = -1
        self._size_bytes = 0
        self._retry_open_at = 0.0
        self.dropped = 0

    def after_fork(self) -> None:
        """Leave the segment to the parent; the child opens its own with its first record."""
        if self._fd >= 0:
            # Only closed: to unlock here would unlock it for the parent, who shares the lock.
            _close(self._fd)
        self._forget()

    def append(self, payload: bytes) -> None:
        """Keep one payload: when this returns, it is in the kernel's hands, or counted as dropped."""
        if not 0 < len(payload) <= PAYLOAD_LIMIT_BYTES:
            self.drop(SpoolError(f"a record of {len(payload)} bytes"))
            return
        record = frame(payload)
        failure: Exception | None = None
        with self._lock:
            self._waiting.append(record)
            if self._writing:
                return  # inside a signal handler: the write it interrupted goes on to this record
            self._writing = True
            try:
                while self._waiting:
                    failure = self._write(self._waiting.popleft()) or failure
            finally:
                self._writing = False
        if failure is not None:
            # Outside the lock: a log handler is foreign code.
            self._warn(failure)

    def drop(self, failure: Exception) -> None:
        """Count a fact that could not be kept."""
        with self._lock:
            self.dropped += 1
        self._warn(failure)

    def close(self) -> None:
        """Give the segment up, so that it can be drained and removed; the next record opens another."""
        with self._lock:
            if self._writing:
                # Inside a signal handler: the write it interrupted still needs the descriptor, the next one moves on.
                self._size_bytes = SEGMENT_LIMIT_BYTES
                return
            self._release()

    def _write(self, record: bytes) -> Exception | None:
        try:
            if self._fd < 0 or not self._clean or self._size_bytes >= SEGMENT_LIMIT_BYTES:
                self._open()
            self._clean = False
            try:
                written = os.write(self._fd, record)
            except OSError:
                self._clean = True  # nothing was written
                raise
            if written < len(record):
                # Nobody else appends to this segment, so the last `written` bytes are ours.
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
                self._clean = True
                raise SpoolError(f"only {written} of {len(record)} bytes could be written")  # noqa: TRY301
        except (OSError, SpoolError) as error:
            self.dropped += 1
            return error
        self._clean = True
        self._size_bytes += written
        return None

    def _open(self) -> None:
        self._release()
        if self._home is None:
            raise SpoolError("there is no home folder")
        if time.monotonic() < self._retry_open_at:
            raise SpoolError("the spool can't be opened")
        # A spool that can't be opened costs one attempt a second, not one per fact.
        self._retry_open_at = time.monotonic() + _RETRY_OPEN_S
        path = ensure_spool(self._home) / f"{os.getpid()}-{uuid7()}{SEGMENT_SUFFIX}"
        unborn = path.with_name(path.name + UNBORN_SUFFIX)
        fd = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unborn.rename(path)
        except OSError:
            _close(fd)
            raise
        self._fd, self._size_bytes, self._clean, self._retry_open_at = fd, 0, True, 0.0

    def _release(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            try:
                # Unlocked by name and not by closing alone: a child forked by foreign code may share the lock.
                fcntl.flock(fd, fcntl.LOCK_UN)
            except OSError as error:
                _log.debug("unlocking a segment: %s", error)
            _close(fd)

    def _warn(self, failure: Exception) -> None:
        if self.dropped & (self.dropped - 1) == 0:  # at 1, 2, 4, 8 ...: a full disk must not fill the log
            _log.warning("taskscope could not keep a fact (%d dropped so far): %s", self.dropped, failure)


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError as error:
        _log.debug("closing a segment: %s", error)


_writers: dict[Path | None, SpoolWriter] = {}


def writer_of(home: Path | None) -> SpoolWriter:
    """Give this process's one writer for a home."""
    return _writers.setdefault(home, SpoolWriter(home)) if home not in _writers else _writers[home]
