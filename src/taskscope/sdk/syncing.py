"""Making the spool survive a power cut: once a second, what is not delivered yet is put onto the disk.

A record is in the kernel when `record` returns, so it survives the death of its application. It survives the death of
the machine once its segment was synchronised, which would cost an application milliseconds, and costs whoever ships or
drains nothing that anybody waits for.
"""

import logging
import os
from pathlib import Path
from typing import NamedTuple

from taskscope.sdk.framing import SEGMENT_SUFFIX
from taskscope.sdk.home import SPOOL
from taskscope.sdk.sidecars import read_offset, spool_errors

_log = logging.getLogger("taskscope")


class _Seen(NamedTuple):
    """What a segment was like when it was last synchronised."""

    inode: int
    size: int
    changed_ns: int


_synced: dict[Path, dict[str, _Seen]] = {}


def sync(home: Path) -> int:
    """Put the segments of a home that hold undelivered records onto the disk, those that changed since the last call.

    To be called about once a second, by one thread, from the process that ships or drains. A segment that can't be
    synchronised is named in the log and tried again by the next call.

    Returns
    -------
    How many segments were synchronised.

    Raises
    ------
    SpoolError
        The spool can't be read.
    """
    spool = home / SPOOL
    before = _synced.get(home, {})
    seen: dict[str, _Seen] = {}
    count = 0
    for name, now in _segments(spool):
        if now == before.get(name) or read_offset(spool / name, now.size) == now.size:
            seen[name] = now
        elif _sync(spool / name):
            seen[name] = now
            count += 1
    if seen.keys() - before.keys():
        _sync(spool)  # the names of new segments
    _synced[home] = seen
    return count


def _segments(spool: Path) -> list[tuple[str, _Seen]]:
    found = []
    with spool_errors(f"the spool {spool} can't be read"):
        if not spool.is_dir():
            return []
        with os.scandir(spool) as entries:
            for entry in entries:
                if entry.name.endswith(SEGMENT_SUFFIX) and entry.is_file(follow_symlinks=False):
                    try:
                        state = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:  # drained since it was listed
                        continue
                    found.append((entry.name, _Seen(state.st_ino, state.st_size, state.st_mtime_ns)))
    return found


def _sync(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return True  # delivered and removed in the meantime
    except OSError as error:
        _log.warning("%s can't be synchronised with the disk: %s", path, error)
        return False
    try:
        os.fdatasync(fd)
    except OSError as error:
        _log.warning("%s can't be synchronised with the disk: %s", path, error)
        return False
    finally:
        os.close(fd)
    return True
