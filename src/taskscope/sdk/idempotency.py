"""Idempotency keys: one idempotency key is one task, for 24 hours, for all processes of a home.

The first submission with a key is remembered as it was recorded, byte by byte. Each later one records these bytes again
and gives the task that they name. The store knows a fact by its id and time, so it counts once, however often it comes;
and a process that dies between remembering and recording loses nothing, because the next submission records it.

    spool/keys/<two hexadecimal digits of the key's hash>/<day since 1970>

Each file is a row of entries, appended under the lock (flock) of its folder:

    4 bytes  length of the record, little endian
    4 bytes  CRC-32 of the rest of the entry
   16 bytes  BLAKE2b of service and key
    8 bytes  when it was remembered, microseconds since 1970
    n bytes  the record

1. Take the folder's lock; wait for it 0.25 s at most.
2. Remove the files of days that can hold nothing younger than 24 hours: that is what bounds the memory.
3. Look for the key's newest entry, by its 16 bytes. Half of an entry, as a crash or a full disk leaves it, has no right
   checksum, and does not disturb those behind it.
4. Without one, append it. A file that is full (2 MiB) takes no more.

Nothing is raised and nobody waits for long: where the memory can't be used, a submission counts as new.
"""

import fcntl
import logging
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from taskscope.errors import SpoolError
from taskscope.sdk.fact import Fact, encode
from taskscope.sdk.home import SPOOL, ensure_spool
from taskscope.sdk.ids import uuid7_at
from taskscope.sdk.recorder import Recorder
from taskscope.sdk.spool import writer_of

KEYS = "keys"
TTL_US = 24 * 3600 * 1_000_000
DAY_US = TTL_US
FILE_LIMIT_BYTES = 2 << 20
PATIENCE_S = 0.25
_IMPATIENT_S = 5.0
_ENTRY = struct.Struct("<II16sq")
_CHECKED_FROM = 8
_log = logging.getLogger("taskscope")


class KeyMemory:
    """The memory of idempotency keys in one home.

    Parameters
    ----------
    home
        The home folder; None when there is none, and every submission counts as new.
    """

    def __init__(self, home: Path | None) -> None:
        self._home = home
        self._keys = "" if home is None else str(home / SPOOL / KEYS)
        self._impatient_until_s = 0.0
        self._holders: set[int] = set()  # threads of this process that are inside
        self.failures = 0

    def submit(self, recorder: Recorder, key: str, data: dict[str, Any], names: dict[str, Any]) -> str:
        """Record a submission, or once more the first one with this key, and give the task that it names."""
        task: str = names["task"]
        try:
            now_ns = time.time_ns()
            record = encode(
                Fact(uuid7_at(now_ns), "task.submitted", now_ns // 1000 / 1000, recorder.service, data=data, **names)
            )
        except Exception:  # noqa: BLE001 - whatever it is, the recorder counts it as it counts all others
            recorder.record("task.submitted", data, **names)
            return task
        try:
            standing = self.standing(recorder.service, key, record, now_ns // 1000)
            if standing is not record:
                task = msgspec.json.decode(standing, type=_Task).task
                record = standing
        except Exception as error:  # noqa: BLE001 - nothing may be raised into the application
            self._warn(error)
        writer_of(self._home).append(record)
        return task

    def standing(self, service: str, key: str, record: bytes, now_us: int) -> bytes:
        """Give the record that stands for a key: an earlier one of the last 24 hours, else this one, remembered now.

        Raises
        ------
        SpoolError, OSError
            The memory can't be used.
        """
        from hashlib import blake2b  # noqa: PLC0415 - it loads OpenSSL, which only keys and failures need

        name = blake2b(f"{len(service)}:{service}{key}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._shard(name) as folder:
            files = _files(folder, now_us // DAY_US)
            for day in sorted(files, reverse=True):
                found = _newest(_read(folder, files[day]), name)
                if found is not None and now_us - found[0] < TTL_US:
                    return found[1]
            _append(folder, str(now_us // DAY_US), _entry(name, now_us, record))
        return record

    @contextmanager
    def _shard(self, name: bytes) -> Iterator[int]:
        """Open and lock the folder of a key."""
        if self._home is None:
            raise SpoolError("there is no home folder")
        path = f"{self._keys}/{name[0]:02x}"
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            folder = os.open(path, flags)
        except FileNotFoundError:
            ensure_spool(self._home)
            Path(self._keys).mkdir(mode=0o700, exist_ok=True)
            Path(path).mkdir(mode=0o700, exist_ok=True)
            folder = os.open(path, flags)
        try:
            self._lock(folder)
            thread = threading.get_ident()
            self._holders.add(thread)
            try:
                yield folder
            finally:
                self._holders.discard(thread)
                # By name and not by closing alone: a child that was forked meanwhile shares the lock.
                fcntl.flock(folder, fcntl.LOCK_UN)
        finally:
            os.close(folder)

    def _lock(self, folder: int) -> None:
        start_s = time.monotonic()
        # Whoever holds it for that long is stopped: do not wait for it again at each submission.
        patience_s = PATIENCE_S if start_s >= self._impatient_until_s else 0.0
        pause_s = 0.0005
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if threading.get_ident() in self._holders:  # it would wait for itself
                    raise SpoolError("a signal handler struck while a key was being looked up") from None
                if time.monotonic() - start_s >= patience_s:
                    self._impatient_until_s = time.monotonic() + _IMPATIENT_S
                    raise SpoolError("the memory of idempotency keys is locked by another process") from None
                time.sleep(pause_s)
                pause_s = min(0.01, 2 * pause_s)
            else:
                return

    def _warn(self, failure: Exception) -> None:
        self.failures += 1
        if self.failures & (self.failures - 1) == 0:  # at 1, 2, 4, 8 ...
            _log.warning(
                "taskscope could not look up an idempotency key, so the submission counts as new (%d so far): %s",
                self.failures,
                failure,
            )


class _Task(msgspec.Struct):
    """What is read of a record that stands."""

    task: str


def _files(folder: int, today: int) -> dict[int, str]:
    """Give the files that count, by day, and remove those that do not.

    A day ahead counts too: the clock may have been set back.
    """
    found: dict[int, str] = {}
    for name in os.listdir(folder):
        day = int(name) if name.isdecimal() else -1
        if today - 1 <= day <= today + 1:
            found[day] = name
        else:
            os.unlink(name, dir_fd=folder)
    return found


def _read(folder: int, name: str) -> bytes:
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.read(fd, os.fstat(fd).st_size)
    finally:
        os.close(fd)


def _append(folder: int, name: str, entry: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(name, flags, 0o600, dir_fd=folder)
    try:
        if os.fstat(fd).st_size >= FILE_LIMIT_BYTES:
            raise SpoolError("the memory of idempotency keys is full for today")
        if os.write(fd, entry) < len(entry):
            raise SpoolError("the disk is full")
    finally:
        os.close(fd)


def _entry(name: bytes, now_us: int, record: bytes) -> bytes:
    checked = _ENTRY.pack(len(record), 0, name, now_us)[_CHECKED_FROM:] + record
    return struct.pack("<II", len(record), zlib.crc32(checked)) + checked


def _newest(entries: bytes, name: bytes) -> tuple[int, bytes] | None:
    """Find the newest entry of a name: when it was remembered, and its record."""
    at = entries.rfind(name)
    while at >= _CHECKED_FROM:
        start = at - _CHECKED_FROM
        if start + _ENTRY.size <= len(entries):
            length, checksum, _, time_us = _ENTRY.unpack_from(entries, start)
            end = start + _ENTRY.size + length
            if end <= len(entries) and zlib.crc32(entries[at:end]) == checksum:
                return time_us, entries[start + _ENTRY.size : end]
        at = entries.rfind(name, 0, at + len(name) - 1)
    return None
