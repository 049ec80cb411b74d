"""What is in a spool, for somebody who looks at it: what waits, what was refused, what was torn."""

import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from taskscope.sdk import rejected
from taskscope.sdk.framing import HEADER_BYTES, PAYLOAD_LIMIT_BYTES, SEGMENT_SUFFIX, unframe
from taskscope.sdk.home import SPOOL
from taskscope.sdk.sidecars import TORN, read_offset

ERRORS_SHOWN = 20


class Segment(msgspec.Struct):
    """A segment with something in it that was not delivered yet, or that a living process holds.

    Attributes
    ----------
    name
        Its file.
    kind
        `facts`, or what else its name says.
    pid
        The process that wrote it, as the name says; None where it says none.
    alive
        Whether somebody holds it: its process, or for a moment a drain.
    bytes
        What was not delivered yet.
    oldest
        The time of the first fact among that, RFC 3339; None where there is none.
    """

    name: str
    kind: str
    pid: int | None
    alive: bool
    bytes: int
    oldest: str | None


class Reason(msgspec.Struct):
    """Records that were refused for the same reason, and when that was last."""

    error: str
    records: int
    newest: str


class Refused(msgspec.Struct):
    """All refused records: how many, in how many bytes; lines that can't be read; and the newest reasons."""

    records: int = 0
    unreadable: int = 0
    bytes: int = 0
    errors: list[Reason] = []


class Torn(msgspec.Struct):
    """What crashes left: tails that are no records."""

    tails: int = 0
    bytes: int = 0


class Waiting(msgspec.Struct):
    """What is in a spool.

    Attributes
    ----------
    bytes
        What was not delivered yet, of all segments together.
    oldest
        The time of the oldest fact that was not delivered yet.
    """

    bytes: int
    oldest: str | None
    segments: list[Segment]
    rejected: Refused
    torn: Torn


class _Time(msgspec.Struct):
    time: datetime | float | None = None


_time = msgspec.json.Decoder(_Time)


def look(home: Path) -> Waiting:
    """Look at the spool of a home, and change nothing."""
    segments = list(_segments(home / SPOOL))
    oldest = min((segment.oldest for segment in segments if segment.oldest is not None), default=None)
    return Waiting(sum(one.bytes for one in segments), oldest, segments, look_at_rejected(home), _torn(home / SPOOL))


def look_at_rejected(home: Path) -> Refused:
    """Count the refused records by reason."""
    found = Refused()
    reasons: dict[str, Reason] = {}
    for path in rejected.files(home):
        try:
            found.bytes += path.stat().st_size
            for one in rejected.read(path):
                if one is None:
                    found.unreadable += 1
                    continue
                found.records += 1
                reason = reasons.setdefault(one.error, Reason(one.error, 0, ""))
                reason.records += 1
                reason.newest = max(reason.newest, one.at)
        except FileNotFoundError:  # replayed since it was listed
            continue
    found.errors = sorted(reasons.values(), key=lambda one: one.newest, reverse=True)[:ERRORS_SHOWN]
    return found


def _segments(spool: Path) -> Iterator[Segment]:
    for path in sorted(spool.glob("*" + SEGMENT_SUFFIX)):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:  # drained since it was listed, or none of ours
            continue
        try:
            size = os.fstat(fd).st_size
            offset = read_offset(path, size)
            alive = _is_held(fd)
            first = _first_time(fd, offset)
        finally:
            os.close(fd)
        name, _, kind = path.name.removesuffix(SEGMENT_SUFFIX).partition(".")
        pid = name.partition("-")[0]
        yield Segment(path.name, kind or "facts", int(pid) if pid.isdecimal() else None, alive, size - offset, first)


def _is_held(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    return False


def _first_time(fd: int, offset: int) -> str | None:
    header = os.pread(fd, HEADER_BYTES, offset)
    if len(header) < HEADER_BYTES:
        return None
    length = min(int.from_bytes(header[:4], "little"), PAYLOAD_LIMIT_BYTES)
    records, _, _ = unframe(header + os.pread(fd, length, offset + HEADER_BYTES), limit=1)
    try:
        time = _time.decode(records[0]).time if records else None
        if isinstance(time, float):
            time = datetime.fromtimestamp(time / 1000, UTC)
        return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, ArithmeticError, OSError):
        return None


def _torn(spool: Path) -> Torn:
    found = Torn()
    for path in sorted((spool / TORN).glob("*")):
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            continue
        found.tails += 1
        found.bytes += size
    return found
