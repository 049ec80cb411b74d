"""The server that shows the demonstration while it goes on; without one, this process drains the spool itself."""

import contextlib
import json
import subprocess
import time

from taskscope import app
from taskscope.config import Settings
from taskscope.demo.crew import end_group, start
from taskscope.demo.stage import Stage

_HOST = "127.0.0.1"
_PORTS = (8787, 0)
"""The usual one, and any that is free."""
_LOOK_EVERY_S = 0.1
_DRAIN_EVERY_S = 0.5
_GRACE_S = 10.0


class Pages:
    """`taskscope serve` in a process of its own.

    Parameters
    ----------
    stage
        Where it all takes place.
    settings
        The settings of its home.
    """

    def __init__(self, stage: Stage, settings: Settings) -> None:
        self._stage, self._settings = stage, settings
        self._ports = iter(_PORTS)
        self._told = False
        self._next_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def step(self) -> str | None:
        """Do what is to be done now; give a sentence for the user when something has changed."""
        if time.monotonic() < self._next_s:
            return None
        self._next_s = time.monotonic() + _LOOK_EVERY_S
        if self._process is None:
            self._drain()
        elif self._process.poll() is not None:
            self._process = None
            if self._told or not self._start():
                return f"there are no pages: the server has ended, see {self._stage.server_log}"
        elif not self._told and (url := self._url()):
            self._told = True
            return f"the pages are at {url}"
        return None

    def stop(self) -> None:
        """Let the server end, so that the home is ours."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_S)
            end_group(self._process)
            self._process = None

    def _start(self) -> bool:
        port = next(self._ports, None)
        if port is None:
            return False
        command = ["serve", "--json", "--home", str(self._stage.home), "--host", _HOST, "--port", str(port)]
        with self._stage.server_url.open("wb") as url, self._stage.server_log.open("ab") as log:
            self._process = start("-m", "taskscope.demo.serving", *command, stdout=url.fileno(), stderr=log.fileno())
        return True

    def _url(self) -> str | None:
        """Give the address that the server says, once it answers there."""
        line, newline, _ = self._stage.server_url.read_text().partition("\n")
        return str(json.loads(line)["url"]) if newline else None

    def _drain(self) -> None:
        self._next_s = time.monotonic() + _DRAIN_EVERY_S
        with contextlib.closing(app.open_store(self._settings)) as store:
            app.tick(self._settings, store, app.now_us())
