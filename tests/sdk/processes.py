"""A reader of what was recorded, and children that are real processes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from taskscope.sdk.segments import Drained, drain

Fact = dict[str, Any]
DEADLINE_S = 20.0


class Reader:
    """Drains a home and keeps all that it was ever given."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.facts: list[Fact] = []
        self.last = Drained()

    def read(self) -> list[Fact]:
        self.last = drain(self.home, self._take, wait=True)
        # A process writes two segments; by id, its facts stand in the order in which they were recorded.
        self.facts.sort(key=lambda fact: str(fact["id"]))
        return self.facts

    def tasks(self) -> list[Fact]:
        return [fact for fact in self.read() if fact["type"].startswith("task.")]

    def gaps(self) -> list[Fact]:
        return [fact for fact in self.read() if fact["type"] == "spool.gap"]

    def workers(self) -> list[Fact]:
        return [fact for fact in self.read() if fact["type"].startswith("worker.")]

    def _take(self, records: list[bytes]) -> None:
        self.facts += [msgspec.json.decode(record) for record in records]


class Child:
    """A Python process that runs a script with the home as its first argument."""

    def __init__(self, home: Path, script: str, *arguments: str) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(home), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path, "TASKSCOPE_HOME": str(home)},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    def line(self) -> str:
        return self.stdout.readline().decode().strip()

    def say(self, text: str) -> None:
        self.stdin.write(text.encode() + b"\n")
        self.stdin.flush()

    def finish(self) -> str:
        out, _ = self.process.communicate(timeout=DEADLINE_S)
        assert self.process.returncode == 0
        return out.decode()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.stdin.close()
        self.stdout.close()


Start = Callable[..., Child]
Wait = Callable[[Callable[[], object]], None]
