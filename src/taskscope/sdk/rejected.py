"""Refused records, kept with the reason for somebody to look at and to replay: `spool/rejected/`.

1. A line is `{"at", "error", "record"}`; it is on the disk before whoever read it from the spool moves on.
2. Lines are appended to `rejected.ndjson`. A file that is full gets a name of its own, by which the files sort by age.
3. All files together are bounded: the oldest go, and the log says how many records went with them.
4. Whoever writes or replays holds the lock of the folder, so that no line is lost between the two.
"""

import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from taskscope.sdk import forks
from taskscope.sdk.home import SPOOL, ensure_spool
from taskscope.sdk.ids import uuid7
from taskscope.sdk.sidecars import spool_errors

REJECTED = "rejected"
CURRENT = "rejected.ndjson"
LOCK = "lock"
FILE_LIMIT_BYTES = 8 << 20
TOTAL_LIMIT_BYTES = 256 << 20
_log = logging.getLogger("taskscope")


class Rejected(msgspec.Struct, omit_defaults=True):
    """One refused record.

    Attributes
    ----------
    at
        When it was refused, RFC 3339; empty where that is not known.
    error
        Why.
    record
        The record as text.
    exact
        The record as it is, where it is no UTF-8 and the text only shows it.
    """

    error: str
    record: str
    at: str = ""
    exact: bytes | None = None

    def payload(self) -> bytes:
        """Give the record as it was in the spool."""
        return self.record.encode() if self.exact is None else self.exact


_line = msgspec.json.Decoder(Rejected)


def put_aside(
    home: Path,
    refused: Sequence[tuple[str, bytes]],
    *,
    file_bytes: int = FILE_LIMIT_BYTES,
    total_bytes: int = TOTAL_LIMIT_BYTES,
) -> None:
    """Keep refused records, durably. After a crash in between they come twice, which does no harm.

    Parameters
    ----------
    home
        The home folder.
    refused
        The reason and the record of each.
    file_bytes, total_bytes
        When a file is full (the batch that fills it is not torn apart), and how large all of them may be together.

    Raises
    ------
    SpoolError
        They can't be written; nothing was delivered then.
    """
    if not refused:
        return
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with spool_errors(f"refused records can't be kept in {home / SPOOL / REJECTED}"), locked(home) as folder:
        lines = b"".join(msgspec.json.encode(_rejected(at, error, record)) + b"\n" for error, record in refused)
        _append(folder / CURRENT, lines, file_bytes)
        sync_folder(folder)
        _bound(home, total_bytes)
    _log.warning("%d records of the spool were refused, kept in %s: %s", len(refused), folder, refused[0][0])


def files(home: Path) -> list[Path]:
    """Give the files of refused records, the oldest first."""
    folder = home / SPOOL / REJECTED
    found = sorted(folder.glob("rejected-*.ndjson"))
    current = folder / CURRENT
    return [*found, current] if current.is_file() else found


def read(path: Path) -> Iterator[Rejected | None]:
    """Read a file of refused records line by line; None for a line that can't be read."""
    with path.open("rb") as file:
        for line in file:
            try:
                yield _line.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                yield None


@contextmanager
def locked(home: Path) -> Iterator[Path]:
    """Hold the folder of refused records, made when it is missing, and give it."""
    folder = ensure_spool(home) / REJECTED
    folder.mkdir(mode=0o700, exist_ok=True)
    fd = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    forks.keep_private(fd)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield folder
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)
        forks.share(fd)
        os.close(fd)


def _rejected(at: str, error: str, record: bytes) -> Rejected:
    try:
        return Rejected(error, record.decode(), at)
    except UnicodeDecodeError:
        return Rejected(error, record.decode("utf-8", "backslashreplace"), at, record)


def _append(path: Path, lines: bytes, file_bytes: int) -> None:
    if path.exists() and path.stat().st_size >= file_bytes:
        path.rename(path.with_name(f"rejected-{uuid7()}.ndjson"))
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        # What a crash left of a line must not run into the next one.
        cut = size > 0 and file.read(1) != b"\n"
        file.seek(size)
        file.write(b"\n" + lines if cut else lines)
        file.flush()
        os.fsync(file.fileno())


def _bound(home: Path, total_bytes: int) -> None:
    kept = [(path, path.stat().st_size) for path in files(home)]
    total = sum(size for _, size in kept)
    for path, size in kept[:-1]:
        if total <= total_bytes:
            return
        records = sum(1 for _ in read(path))
        path.unlink()
        total -= size
        _log.error("the oldest %d refused records are dropped: together they pass %d bytes", records, total_bytes)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
