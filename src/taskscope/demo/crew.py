"""The processes of the demonstration: starting them, ending them in the middle of a task, and leaving none behind."""

import os
import signal
import subprocess
import sys
import time
from typing import Self

from taskscope.demo.account import Account, Begun, Killed, Open, Reader
from taskscope.demo.stage import Stage, environment
from taskscope.demo.tray import Tray

_GRACE_S = 10.0


class Crew:
    """Producer and workers, from `with` to its end.

    Each is a process group of its own, so that Ctrl-C reaches whoever started them and not them.

    Parameters
    ----------
    stage
        Where it all takes place.

    Attributes
    ----------
    open
        The runs that have begun and not ended, as of the last `look`.
    unexpected
        What went wrong with a process, one sentence each.
    last_death_ns
        When a worker was last killed, 0 for never.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._tray = Tray(stage.tray)
        self._account = Account(stage.account, "foreman")
        self._reader = Reader(stage.account)
        self._producer: subprocess.Popen[bytes] | None = None
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self.open = Open()
        self.unexpected: list[str] = []
        self.last_death_ns = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self._producer, *self._workers.values()):
            if process is not None:
                end_group(process)
        self._account.close()

    def start_producer(self) -> None:
        """Let orders come."""
        self._producer = self._start("producer")

    def start_worker(self, name: str) -> None:
        """Let a worker come, or come back."""
        self._workers[name] = self._start("worker", "--name", name)

    def stop_producer(self) -> None:
        """Let no more orders come, and say so to the workers; returns when the last one is in the queue."""
        if self._producer is not None:
            self._producer.terminate()
            try:
                code = self._producer.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                code = None
            if code != 0:
                self.unexpected.append(f"the producer ended with {code}")
        self._tray.close()

    @property
    def working(self) -> bool:
        """Whether any worker is there."""
        return bool(self._workers)

    def look(self) -> None:
        """See what the account says by now, and who has gone."""
        self.open.follow(self._reader.new())
        for name, process in list(self._workers.items()):
            code = process.poll()
            if code is None:
                continue
            del self._workers[name]
            if code != 0 or not self._tray.closed:
                self.unexpected.append(f"{name} ended with {code}")

    def kill(self, run: Begun) -> bool:
        """End a worker by SIGKILL in the middle of a run; False when the run was just about to end.

        The worker is stopped before the account is asked, and so can't end the run between the look and the kill.
        """
        process = self._workers.get(run.worker)
        if process is None or process.poll() is not None:
            return False
        os.kill(process.pid, signal.SIGSTOP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return False
        self.open.follow(self._reader.new())
        if run.run not in self.open.runs:
            os.kill(process.pid, signal.SIGCONT)
            return False
        low_ns = time.time_ns()
        end_group(process)
        self.last_death_ns = time.time_ns()
        self._account.append(Killed(run.run, low_ns, self.last_death_ns))
        del self._workers[run.worker]
        return True

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        return start("-m", f"taskscope.demo.{module}", "--home", str(self._stage.home), *arguments)


def start(*arguments: str, stdout: int | None = None, stderr: int | None = None) -> subprocess.Popen[bytes]:
    """Start a Python process in a group of its own, without settings that lead elsewhere."""
    return subprocess.Popen(  # noqa: S603 - our own modules, in our own interpreter
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=environment(),
        start_new_session=True,
    )


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
