"""Programs that tests need and that come as Debian packages."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

_LOCK = Path(tempfile.gettempdir()) / "taskscope-tests-apt.lock"


def require(package: str, *programs: str) -> None:
    """Skip where a program is missing; a machine that says it is for tests gets the package, or fails."""
    if _there(programs):
        return
    what = f"{', '.join(programs)}: not installed (Debian: apt-get install {package})"
    if os.environ.get("CI") != "true":
        pytest.skip(what)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.fail(what)
    with _LOCK.open("w") as lock:  # one of the processes of a test run installs it, the others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (["update"], ["install", "--yes", "--no-install-recommends", package]):
            if not _there(programs):
                quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
                subprocess.run(["apt-get", "-qq", *command], env=quiet, capture_output=True, check=False)
    if not _there(programs):
        pytest.fail(f"{what}, and apt-get could not bring it")


def _there(programs: tuple[str, ...]) -> bool:
    return all(shutil.which(program) is not None for program in programs)
