"""What lies beside the segments of a spool: offsets, torn tails, and what a crash left behind."""

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from taskscope.errors import SpoolError
from taskscope.sdk.appending import UNBORN_SUFFIX
from taskscope.sdk.framing import OFFSET_SUFFIX

TORN = "torn"
_UNBORN_TTL_S = 3_600
_log = logging.getLogger("taskscope")


@contextmanager
def spool_errors(message: str) -> Iterator[None]:
    """Turn what the system refuses into a `SpoolError` that says what was tried."""
    try:
        yield
    except OSError as error:
        raise SpoolError(f"{message}: {error}") from error


def read_offset(path: Path, end: int) -> int:
    """Read where to go on in a segment of `end` bytes.

    An offset that can't be right begins anew: to deliver twice is harmless, not to deliver is not.
    """
    with spool_errors(f"the offset of {path} can't be read"):
        try:
            offset = int(_sidecar(path).read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return 0
    return offset if 0 <= offset <= end else 0


def write_offset(path: Path, offset: int) -> None:
    """Keep where to go on; after a crash it is the old offset or the new one, never half of it."""
    sidecar = _sidecar(path)
    beside = sidecar.with_name(sidecar.name + ".tmp")
    with spool_errors(f"the offset of {path} can't be written"):
        beside.write_text(str(offset), "ascii")
        beside.replace(sidecar)


def set_aside(path: Path, offset: int) -> None:
    """Keep what stands behind an offset in `torn/<segment>-<offset>`, durably, for somebody to look at."""
    target = path.parent / TORN / f"{path.name}-{offset}"
    beside = target.with_name(target.name + ".tmp")
    with spool_errors(f"the torn tail of {path} can't be set aside"):
        target.parent.mkdir(mode=0o700, exist_ok=True)
        with path.open("rb") as segment, beside.open("wb") as tail:
            segment.seek(offset)
            shutil.copyfileobj(segment, tail)
            tail.flush()
            os.fsync(tail.fileno())
        beside.replace(target)
    _log.warning("the torn tail of %s is set aside in %s", path.name, target)


def remove(path: Path) -> None:
    """Remove a segment that was delivered to its end, and its offset."""
    with spool_errors(f"the segment {path} can't be removed"):
        # In this order: an offset without its segment is swept up, a segment without its offset is read again.
        path.unlink()
        _sidecar(path).unlink(missing_ok=True)


def sweep(spool: Path) -> None:
    """Remove what a crash left behind: offsets without a segment, segments that were never born."""
    with spool_errors(f"the spool {spool} can't be swept"):
        present = {path.name for path in spool.iterdir()}
        for name in present:
            segment = name.removesuffix(".tmp").removesuffix(OFFSET_SUFFIX)
            orphan = segment != name and segment not in present
            if orphan or (name.endswith(UNBORN_SUFFIX) and _is_old(spool / name)):
                (spool / name).unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    """Tell whether no process can still stand between making a segment and naming it.

    An hour is ample. Should one come back after that, its renaming fails and it opens another.
    """
    try:
        return time.time() - path.stat().st_mtime > _UNBORN_TTL_S
    except FileNotFoundError:
        return False


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + OFFSET_SUFFIX)
