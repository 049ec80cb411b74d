"""A child of `benchmarks.child`: made, asked, killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
_FOREIGN = ("TASKSCOPE_", "PROMETHEUS_", "OTEL_")


class Missing(Exception):  # noqa: N818 - it is an answer, not an error
    """Raised when what a subject measures is not installed; says what could not be imported."""


class Process:
    """A fresh process with one subject in a folder of its own; it ends with the block.

    Parameters
    ----------
    subject
        Its name in `SUBJECTS`.

    Attributes
    ----------
    folder
        Where the subject keeps its facts.
    hello
        Its memory before and after its first call.
    """

    def __init__(self, subject: str) -> None:
        self._own = tempfile.TemporaryDirectory(prefix="taskscope-bench-")
        self.folder = Path(self._own.name) / "home"
        self.folder.mkdir(mode=0o700)
        self._said = (Path(self._own.name) / "stderr").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child", subject, str(self.folder)],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
        )
        self.hello: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            self.hello = self._answer()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, command: str) -> dict[str, Any]:
        """Say a line, and wait for the answer."""
        self.tell(command)
        return self._answer()

    def tell(self, command: str) -> None:
        """Say a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """End it by SIGKILL, in the middle of whatever it does."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it, and remove its folder."""
        self.kill()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            assert stream is not None
            stream.close()
        self._own.cleanup()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._said.seek(0)
            raise RuntimeError(f"a measured process ended by itself: {self._said.read().decode()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        if "missing" in answer:
            raise Missing(answer["missing"])
        return answer


def environment() -> dict[str, str]:
    """Give an environment in which everything has its default settings."""
    return {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
