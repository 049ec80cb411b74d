"""Appending to one segment: opening, writing, moving on, and giving up.

1. A segment belongs to the process that holds its lock (flock). The kernel frees the lock on death, however that comes,
   so whoever drains knows which segments are finished, without pids and without timeouts.
2. A segment becomes visible (by a rename) only after it was locked: nobody can take a fresh one for a dead one.
3. A record is one `write` to a file opened with O_APPEND, without fsync: what was recorded survives `kill -9` of the
   application, because it is in the kernel by then.
4. A short write is cut off again. Where even that fails, or an exception from a signal handler struck in between, the
   segment is given up and the next record opens another: the old one ends in a torn tail, which the reader sets aside.
5. Once a second, and at the end of each segment, the process looks around: is the segment still where it should be, and
   has the spool room? A segment that somebody removed is copied into a new one, as long as it is open it can be read.
6. What failed is not tried again for each record: a full disk answers slowly, and nobody waits for the monitor.
"""

import contextlib
import errno
import fcntl
import logging
import os
from pathlib import Path
from time import monotonic

from taskscope.errors import SpoolError
from taskscope.sdk import shipping
from taskscope.sdk.framing import unframe
from taskscope.sdk.home import ensure_spool
from taskscope.sdk.ids import uuid7
from taskscope.sdk.room import waiting_bytes

SEGMENT_LIMIT_BYTES = 2 << 20
"""A full segment is closed, so that a drain can remove it while its process goes on."""

SEGMENTS_IN_LIMIT = 512
"""A segment takes no more than this part of the spool's limit, so that many processes at once overshoot by little."""

UNBORN_SUFFIX = ".new"
LOOK_S = 1.0
RETRY_S = 0.25
_LOOK_SHARE = 200
"""Looking around once in a while takes at most this part of the time, however many segments there are."""

_LONG_LOOK_S = 0.005
_REST_SHARE = 20
"""After a long look, not even a new segment makes it look again before so many times its length."""

_REASONS = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "disk quota exceeded",
    errno.EFBIG: "file size limit reached",
    errno.EROFS: "file system is read-only",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EMFILE: "no file descriptors left",
    errno.ENFILE: "no file descriptors left",
}
_log = logging.getLogger("taskscope")


class Appender:
    """The segments of this process for one class, one after the other.

    Parameters
    ----------
    home
        The home folder; None where there is none.
    suffix
        How the names of its segments end.
    limit
        Bytes that may wait in the whole spool.
    share
        Above which part of the limit records of this class are refused.
    """

    def __init__(self, home: Path | None, suffix: str, *, limit: int, share: float) -> None:
        self._home = home
        self._suffix = suffix
        self._bound = int(limit * share)
        self._full_at = min(SEGMENT_LIMIT_BYTES, limit // SEGMENTS_IN_LIMIT)
        self._fd = -1
        self._forget()

    def _forget(self) -> None:
        self._path = Path()
        self._clean = True
        self._size = 0
        self._look_at = self._retry_at = self._rested_at = 0.0
        self._pause_s = LOOK_S
        self._reason = ""

    def ready(self, now_s: float) -> bool:
        """Tell whether a write may be tried again."""
        return now_s >= self._retry_at

    def write(self, record: bytes, now_s: float) -> str | None:
        """Write one record.

        Parameters
        ----------
        record
            The record with its header.
        now_s
            The monotonic clock.

        Returns
        -------
        None when it is in the kernel's hands, else the reason why it is not.
        """
        try:
            if now_s >= self._look_at or self._size >= self._full_at or not self._clean:
                if now_s < self._retry_at:
                    return self._reason
                self._prepare(now_s)
            try:
                written = os.write(self._fd, record)
            except OSError:
                raise  # nothing was written
            except BaseException:
                self._clean = False  # of a signal handler: before the write, or after one that may have been short
                raise
            if written < len(record):
                # Nobody else appends to this segment, so the last `written` bytes are ours.
                self._clean = False
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
                self._clean = True
                raise SpoolError("disk full")  # noqa: TRY301
        except (OSError, SpoolError) as error:
            return self._refuse(error, now_s)
        self._size += written
        return None

    def retry(self) -> None:
        """Have the next write tried, whatever failed just now: it may be the last."""
        self._retry_at = 0.0

    def retire(self) -> None:
        """Have the next record open another segment."""
        self._size = self._full_at

    def finish(self) -> None:
        """Give the segment up as `release` does, with a last look whether somebody removed it."""
        if self._fd >= 0 and self._home is not None and not self._in_place():
            try:
                self._rescue(ensure_spool(self._home))
            except (OSError, SpoolError) as error:
                _log.warning("a segment of the spool was removed from outside, and its records are lost: %s", error)
        self.release()

    def release(self) -> None:
        """Give the segment up; the next record opens another."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            try:
                # Unlocked by name and not by closing alone: a child forked by foreign code may share the lock.
                fcntl.flock(fd, fcntl.LOCK_UN)
            except OSError as error:
                _log.debug("unlocking a segment: %s", error)
            _close(fd)
        self._look_at = 0.0

    def abandon(self) -> None:
        """Leave the segment to the parent, in a forked child; to unlock it here would unlock it for the parent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            _close(fd)
        self._forget()

    def _refuse(self, error: OSError | SpoolError, now_s: float) -> str:
        """Have records refused without a try for a while."""
        if isinstance(error, OSError):
            self._reason = _REASONS.get(error.errno or 0) or f"spool can't be used: {error.strerror or error}"
        else:
            self._reason = str(error)
        _log.debug("a record was refused: %s", error)
        self._look_at = 0.0
        self._retry_at = max(self._retry_at, now_s + RETRY_S)
        return self._reason

    def _prepare(self, now_s: float) -> None:
        """Look around, and open a segment where there is none to go on with.

        Raises
        ------
        SpoolError
            There is no room, or no home.
        OSError
            The spool can't be used.
        """
        if self._home is None:
            raise SpoolError("there is no home folder")
        usable = self._fd >= 0 and self._clean and self._size < self._full_at
        lost = self._fd >= 0 and not self._in_place()
        spool = self._path.parent if usable and not lost else ensure_spool(self._home)
        if now_s >= self._rested_at:
            self._look(spool, now_s)
        if lost:
            self._rescue(spool)
        elif not usable:
            self._open(spool)
        self._look_at = now_s + self._pause_s

    def _look(self, spool: Path, now_s: float) -> None:
        begun_s = monotonic()
        waiting = waiting_bytes(spool, self._bound)
        took_s = monotonic() - begun_s
        self._pause_s = max(LOOK_S, _LOOK_SHARE * took_s)
        self._rested_at = now_s + (_REST_SHARE * took_s if took_s > _LONG_LOOK_S else 0.0)
        if waiting > self._bound:
            self._retry_at = now_s + self._pause_s
            raise SpoolError("spool over its limit")

    def _in_place(self) -> bool:
        try:
            found, own = self._path.lstat(), os.fstat(self._fd)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)

    def _rescue(self, spool: Path) -> None:
        """Copy a segment that was removed, or moved away, into a new one; what was delivered is recognised."""
        old, self._fd = self._fd, -1
        content = os.pread(old, os.fstat(old).st_size, 0)
        _, whole, _ = unframe(content, limit=len(content))
        try:
            self._open(spool)
            if os.write(self._fd, content[:whole]) < whole:
                raise SpoolError("disk full")  # noqa: TRY301
        except (OSError, SpoolError):
            # Tried again: as long as the old one is open, what is in it is not lost.
            if self._fd >= 0:
                with contextlib.suppress(OSError):
                    self._path.unlink()
                self.release()
            self._fd = old
            raise
        self._size = whole
        _close(old)
        _log.warning("a segment of the spool was removed from outside: its records are kept in %s", self._path)

    def _open(self, spool: Path) -> None:
        self.release()
        path = spool / f"{os.getpid()}-{uuid7()}{self._suffix}"
        unborn = path.with_name(path.name + UNBORN_SUFFIX)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        # Held in the instance at once: a child that another thread forks right now must find and close it.
        self._fd = os.open(unborn, flags, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unborn.rename(path)
        except OSError:
            self.release()
            with contextlib.suppress(OSError):
                unborn.unlink()
            raise
        self._path, self._size, self._clean = path, 0, True
        shipping.ensure(spool.parent)


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError as error:
        _log.debug("closing a segment: %s", error)
