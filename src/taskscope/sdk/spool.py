"""Writing the spool: each process appends to segments of its own, one for each class of facts.

1. Task facts go to one segment. Heartbeats, progress and samples, which may be dropped first, go to another, opened
   when the first of them comes.
2. When `append` returns, the record is in the kernel's hands, or counted as dropped. Nothing is raised.
3. What was dropped is told as a `spool.gap` fact, before the first record that can be written again.
4. A signal handler may record in the middle of a write: its record waits for the write that it interrupted.
"""

import logging
import os
import threading
from collections import Counter, deque
from pathlib import Path
from time import monotonic
from zlib import crc32

from taskscope.sdk import forks, shipping
from taskscope.sdk.appending import Appender
from taskscope.sdk.framing import EXTRA_SUFFIX, PAYLOAD_LIMIT_BYTES, SEGMENT_SUFFIX, pack_header
from taskscope.sdk.gaps import NOBODY, Losses, Origin
from taskscope.sdk.room import limit_bytes

EXTRA_SHARE = 0.8
"""The part of the limit above which extra facts are dropped."""

_log = logging.getLogger("taskscope")


class SpoolWriter:
    """Appends records to this process's own segments in the spool of one home.

    Parameters
    ----------
    home
        The home folder, made when the first record comes; None for a writer that drops everything.

    Attributes
    ----------
    drops
        Facts that this process could not keep, by class and reason.
    """

    def __init__(self, home: Path | None) -> None:
        shipping.prepare()
        limit = limit_bytes(os.environ)
        self._task = Appender(home, SEGMENT_SUFFIX, limit=limit, share=1.0)
        self._extra = Appender(home, EXTRA_SUFFIX, limit=limit, share=EXTRA_SHARE)
        self._forget()
        shipping.prepare()
        forks.register(self)

    def _forget(self) -> None:
        # Reentrant: a signal handler may record while the very thread it interrupted is writing.
        self._lock = threading.RLock()
        self._waiting: deque[tuple[bytes, Origin, bool]] = deque()
        self._writing = False
        self._losses = Losses()
        self._untold = self._losses.untold
        self._warning = ""
        self.drops: Counter[tuple[str, str]] = Counter()

    @property
    def dropped(self) -> int:
        """How many facts this process could not keep."""
        return sum(self.drops.values())

    def after_fork(self) -> None:
        """Leave the segments to the parent; the child opens its own, and counts its own losses."""
        self._task.abandon()
        self._extra.abandon()
        self._forget()

    def append(self, payload: bytes, origin: Origin = NOBODY, extra: bool = False) -> None:  # noqa: FBT001, FBT002 - hot
        """Keep one payload.

        Parameters
        ----------
        payload
            One fact as JSON.
        origin
            Who records it: a gap is told in its name.
        extra
            True for a fact that may be dropped before others.
        """
        size = len(payload)
        if not 0 < size <= PAYLOAD_LIMIT_BYTES:
            self.drop("fact too large" if payload else "fact empty", origin, extra=extra)
            return
        record = pack_header(size, crc32(payload)) + payload  # as `frame` does, a call less
        appender = self._extra if extra else self._task
        with self._lock:
            if self._writing:
                self._waiting.append((record, origin, extra))
                return  # inside a signal handler: the write it interrupted goes on to this record
            self._writing = True
            try:
                now_s = monotonic()
                if self._untold:
                    self._losses.tell(self._task, now_s)
                reason = appender.write(record, now_s)
                if reason is not None:
                    self._lose(reason, origin, extra)
                while self._waiting:
                    self._write(*self._waiting.popleft())
            finally:
                self._writing = False
        if reason is not None:
            self._warn()

    def drop(self, reason: str, origin: Origin = NOBODY, *, extra: bool = False) -> None:
        """Count a fact that could not be kept."""
        with self._lock:
            self._lose(reason, origin, extra)
        self._warn()

    def close(self) -> None:
        """Tell what was dropped, and give the segments up, so that they can be drained and removed."""
        with self._lock:
            if self._writing:
                # Inside a signal handler: the write it interrupted still needs the segment, the next one moves on.
                self._task.retire()
                self._extra.retire()
                return
            self._writing = True
            self._task.retry()
            try:
                untold = self._losses.tell(self._task, monotonic(), at_once=True)
                # Still as one that writes: a signal handler must not close, nor write to, what is being closed.
                self._task.finish()
                self._extra.finish()
                while self._waiting:
                    self._write(*self._waiting.popleft())
            finally:
                self._writing = False
        for line in untold:
            # Outside the lock: a log handler is foreign code.
            _log.warning("taskscope could not keep %s, and could not write that down either", line)

    def _write(self, record: bytes, origin: Origin, extra: bool) -> None:  # noqa: FBT001 - it waits in a tuple
        reason = (self._extra if extra else self._task).write(record, monotonic())
        if reason is not None:
            self._lose(reason, origin, extra)

    def _lose(self, reason: str, origin: Origin, extra: bool) -> None:  # noqa: FBT001 - the same
        self.drops["extra" if extra else "task", reason] += 1
        self._losses.add(reason, origin, extra=extra)
        dropped = self.dropped
        if dropped & (dropped - 1) == 0:  # at 1, 2, 4, 8 ...: a full disk must not fill the log
            self._warning = f"taskscope could not keep a fact ({dropped} dropped so far): {reason}"

    def _warn(self) -> None:
        warning, self._warning = self._warning, ""
        if warning:
            _log.warning(warning)


_writers: dict[Path | None, SpoolWriter] = {}


def writer_of(home: Path | None) -> SpoolWriter:
    """Give this process's one writer for a home."""
    return _writers.setdefault(home, SpoolWriter(home)) if home not in _writers else _writers[home]
