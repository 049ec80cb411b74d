"""A lock that a process holds on a file of the home: for as long as it lives, and not a moment longer."""

import fcntl
import os
from pathlib import Path

from taskscope.sdk import forks


class FileLock:
    """A lock between processes. The kernel frees it on death, so there is no stale lock to clean up.

    Parameters
    ----------
    path
        The file, made when it is missing; its folder is not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def take(self) -> bool:
        """Take the lock if nobody else has it; True when it is held afterwards.

        Raises
        ------
        OSError
            The file can't be opened.
        """
        if self._fd >= 0:
            return True
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        forks.keep_private(fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            forks.share(fd)
            os.close(fd)
            if isinstance(error, BlockingIOError):
                return False
            raise
        self._fd = fd
        return True

    def free(self) -> None:
        """Let others take it."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            forks.share(fd)
            # Unlocked by name and not by closing alone: a child that was forked in between may share it.
            fcntl.flock(fd, fcntl.LOCK_UN)
            os.close(fd)
