"""A PostgreSQL server of a test's own, which may be killed: others use the one that the machine has."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

PATIENCE_S = 30


def require() -> Path:
    """Give the folder of PostgreSQL's programs; skip where there is none, on a machine that is for tests fail."""
    found = [path for path in (shutil.which("initdb"),) if path]
    found += sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), reverse=True)
    if found:
        return Path(found[0]).parent
    reason = "no initdb: a database that is killed needs the programs of a PostgreSQL server"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class Cluster:
    """One server and its data.

    Parameters
    ----------
    folder
        Where its data goes; made here.
    """

    def __init__(self, folder: Path) -> None:
        self._programs = require()
        # PostgreSQL refuses to run as root, and whoever runs it must reach its folder.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._data = folder
        folder.mkdir(mode=0o700)
        if self._user:
            shutil.chown(folder, self._user)
            for above in folder.parents[:-1]:
                above.chmod(above.stat().st_mode | 0o011)
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self._port = chosen.getsockname()[1]
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--pgdata", str(folder))
        self.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers: after a kill it recovers first."""
        command: list[str | Path] = [
            self._programs / "postgres",
            "-D",
            self._data,
            "-p",
            str(self._port),
            "-k",
            "",
            "-h",
            "127.0.0.1",
        ]
        with (self._data / "log").open("ab") as log:
            self._process = subprocess.Popen(command, user=self._user, stdout=log, stderr=log, cwd="/")
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self._data / "log").read_text("utf-8")
                assert time.monotonic() < until, "PostgreSQL did not start in time"
            else:
                return

    def kill(self) -> None:
        """End it as a power cut would: every process of it at once, without a checkpoint."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(PATIENCE_S)

    def stop(self) -> None:
        """End it if it still runs."""
        if self._process.poll() is None:
            self.kill()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments], user=self._user, check=True, capture_output=True, cwd="/"
        )
