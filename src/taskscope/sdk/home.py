"""Where the home folder is, and the private folders in it."""

import os
import stat
from pathlib import Path

from taskscope.errors import HomeError, SpoolError

DEFAULT_HOME = "~/.taskscope"
SPOOL = "spool"
_PRIVATE = 0o700


def resolve_home(home: str | os.PathLike[str] | None = None) -> Path:
    """Give the home folder as an absolute path: the argument, else TASKSCOPE_HOME, else ~/.taskscope.

    Raises
    ------
    HomeError
        The path starts with a user's folder, and no such user is known.
    """
    path = Path(home or os.environ.get("TASKSCOPE_HOME") or DEFAULT_HOME)
    try:
        # Absolute at once: an application may change its working directory later.
        return path.expanduser().absolute()
    except (RuntimeError, OSError) as error:
        raise HomeError(f"the home folder {path} can't be found: {error}") from error


def ensure_spool(home: Path) -> Path:
    """Make home and spool, readable by their owner alone, and give the spool folder.

    A home that exists keeps its mode, since it may be a folder of the user's own; the spool is always closed.

    Raises
    ------
    SpoolError
        The spool is no folder, or belongs to another user, who could read and forge what is recorded.
    OSError
        It can't be made.
    """
    home.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    spool = home / SPOOL
    spool.mkdir(mode=_PRIVATE, exist_ok=True)
    found = spool.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise SpoolError(f"{spool} is not a folder")
    if found.st_uid != os.geteuid():
        raise SpoolError(f"{spool} belongs to another user (uid {found.st_uid})")
    if stat.S_IMODE(found.st_mode) != _PRIVATE:
        spool.chmod(_PRIVATE)
    return spool
