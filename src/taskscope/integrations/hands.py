"""What the children of a worker have finished, for the parent that sees one of them die.

A child records the end of its run and writes the run's id here; then it hands its result to the parent. One that is
killed in between has finished its task all the same, and its parent must not call that run lost.
"""

import mmap
import os

_SLOTS = 4096
_ID_BYTES = 36


class Hands:
    """Memory that a worker shares with the children that it forks: for each, the run that it finished last."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SLOTS * _ID_BYTES)

    def finished(self, run: str) -> None:
        """Say that this process has recorded the end of a run."""
        start = os.getpid() % _SLOTS * _ID_BYTES
        self._memory[start : start + _ID_BYTES] = run.encode()[:_ID_BYTES].ljust(_ID_BYTES)

    def has_finished(self, run: str) -> bool:
        """Tell whether a run is the last that one of them finished."""
        return self._memory.find(run.encode()[:_ID_BYTES]) >= 0
