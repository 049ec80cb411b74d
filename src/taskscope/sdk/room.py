"""How much room the spool of a home still has."""

import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path

from taskscope.sdk.framing import OFFSET_SUFFIX, SEGMENT_SUFFIX

LIMIT_VARIABLE = "TASKSCOPE_SPOOL_LIMIT_MB"
LIMIT_MB = 1024
_log = logging.getLogger("taskscope")


def limit_bytes(environment: Mapping[str, str]) -> int:
    """Read how many bytes may wait in the spool of a home; what makes no sense counts as the default."""
    text = environment.get(LIMIT_VARIABLE)
    if not text:
        return LIMIT_MB << 20
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not 0 < limit < 1 << 40:
        _log.warning("%s is no size: %r; taskscope takes %d. Give a number of MiB", LIMIT_VARIABLE, text, LIMIT_MB)
        limit = LIMIT_MB
    return max(1, int(limit * (1 << 20)))


def waiting_bytes(spool: Path, bound: int) -> int:
    """Tell how many bytes of the spool are not delivered yet; exactly so only where that may be more than `bound`.

    Segments of a living process stay until it moves on, also when they were delivered long ago. Their offsets are
    read only where they matter, because that costs a file each.
    """
    sizes: dict[str, int] = {}
    offsets = []
    with os.scandir(spool) as entries:
        for entry in entries:
            name = entry.name
            try:
                if name.endswith(SEGMENT_SUFFIX):
                    sizes[name] = entry.stat(follow_symlinks=False).st_size
                elif name.endswith(OFFSET_SUFFIX):
                    offsets.append(name)
            except FileNotFoundError:  # drained since it was listed
                continue
    total = sum(sizes.values())
    if total > bound:
        total -= sum(_delivered(spool / name, sizes.get(name.removesuffix(OFFSET_SUFFIX), 0)) for name in offsets)
    return total


def _delivered(sidecar: Path, size: int) -> int:
    try:
        return min(size, max(0, int(sidecar.read_text("ascii"))))
    except (FileNotFoundError, ValueError):
        return 0
