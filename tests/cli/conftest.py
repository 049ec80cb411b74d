"""What the tests of the command line share: a home of their own, and the real commands in this process."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from taskscope.cli import main


class Answer:
    """What a command said and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """Runs commands on one home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, command: str, *arguments: str | Path, stdin: bytes = b"", home: Path | None = None) -> Answer:
        # Behind the words: a command may have commands of its own, which take the options.
        line = [command, *map(str, arguments), "--home", str(home or self.home)]
        result = CliRunner().invoke(main, line, input=stdin, catch_exceptions=False)
        return Answer(result.exit_code, result.stdout, result.stderr)

    def json(self, command: str, *arguments: str | Path, stdin: bytes = b"", home: Path | None = None) -> Any:
        answer = self(command, *arguments, "--json", stdin=stdin, home=home)
        assert answer.code == 0, answer.err + answer.out
        return answer.json


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TASKSCOPE_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("LOG_LEVEL", raising=False)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")
