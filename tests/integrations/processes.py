"""Brokers, and the processes of an application: those of the library, started by its own command line."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from click.testing import CliRunner

from taskscope.cli import main

REDIS = os.environ.get("TASKSCOPE_TEST_REDIS", "redis://127.0.0.1:6379/9")
RABBITMQ = os.environ.get("TASKSCOPE_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")
TASKSCOPE = Path(sys.executable).with_name("taskscope")
ROOT = Path(__file__).parents[2]
DEADLINE_S = 40.0
Row = dict[str, Any]


def absent(what: str, error: Exception) -> None:
    """Skip where no broker answers; on a machine that says it is for tests, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"no {what}: {error}")
    pytest.skip(f"no {what}: {error}")


@contextmanager
def redis_prefix() -> Iterator[str]:
    """Give a prefix for keys, which go at the end."""
    client = redis.Redis.from_url(REDIS)
    try:
        client.ping()
    except redis.RedisError as error:
        absent(f"Redis answers at {REDIS}", error)
    prefix = f"taskscope-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        yield prefix
    finally:
        for key in client.scan_iter(f"*{prefix}*"):
            client.delete(key)
        for key in client.scan_iter("rq:job:*", _type="hash"):  # those that `rq cron` named
            if prefix.encode() in (client.hget(key, "origin") or b""):
                client.delete(key)
        client.close()


def wait_for(condition: Callable[[], object], what: object = "") -> None:
    """Wait until something is so, and fail when it is not in time."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"it did not come true in time: {what}"
        time.sleep(0.05)


class Process:
    """A process of the application, with its output in a file."""

    def __init__(self, folder: Path, *command: str, environment: dict[str, str]) -> None:
        self.log = folder / f"{secrets.token_hex(4)}.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [TASKSCOPE, *command[1:]] if command[0] == "taskscope" else [sys.executable, "-m", *command],
                cwd=ROOT,
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def says(self, text: str) -> bool:
        """Tell whether it has said something."""
        assert self.process.poll() is None, self.log.read_text()
        return text in self.log.read_text()

    def children(self) -> list[int]:
        """Name its children."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """End it, and give its exit code."""
        self.process.send_signal(sign)
        try:
            return self.process.wait(DEADLINE_S)
        finally:
            self.close()

    def close(self) -> None:
        """End it and its children, whatever they do."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Site:
    """A home, an account, and the processes of one application around them."""

    def __init__(self, folder: Path, prefix: str, broker: str) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.account = folder / "account"
        self.account.touch()
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("TASKSCOPE_")} | {
            "TASKSCOPE_HOME": str(self.home),
            "ACCOUNT": str(self.account),
            "PREFIX": prefix,
            "BROKER": broker,
            "BACKEND": REDIS,
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
            "PYTHONUNBUFFERED": "1",
        }
        self._processes: list[Process] = []

    def start(self, *command: str, **more: str) -> Process:
        """Start a process: taskscope, or a module of Python, and its arguments."""
        self._processes.append(Process(self.folder, *command, environment=self.environment | more))
        return self._processes[-1]

    def call(self, script: str) -> str:
        """Run a script of the application to its end, and give what it prints."""
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def lines(self) -> list[Row]:
        """Read the account."""
        return [json.loads(line) for line in self.account.read_text().splitlines()]

    def ask(self, *words: str) -> Any:
        """Ask Taskscope."""
        done = CliRunner().invoke(main, [*words, "--home", str(self.home), "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def runs(self, *words: str) -> list[Row]:
        """List all runs."""
        found: list[Row] = []
        cursor: list[str] = []
        while True:
            page = self.ask("runs", "--limit", "1000", *words, *cursor)
            found += page["items"]
            if not page["next_cursor"]:
                return found
            cursor = ["--cursor", page["next_cursor"]]

    def facts(self) -> list[Row]:
        """Give all facts that the store has."""
        self.ask("stats")  # drains the spool
        done = CliRunner().invoke(main, ["export", "--home", str(self.home)], catch_exceptions=False)
        return [msgspec.json.decode(line) for line in done.stdout_bytes.splitlines()]

    def close(self) -> None:
        """End all of its processes."""
        for process in self._processes:
            process.close()


def by_file(site: Site) -> dict[tuple[str, int], list[str]]:
    """Give how each attempt ended, as its tasks wrote it down."""
    found: dict[tuple[str, int], list[str]] = {}
    for line in site.lines():
        if line["what"] != "start":
            found.setdefault((line["task"], line["attempt"]), []).append(line["what"])
    return found


def by_taskscope(runs: list[Row]) -> dict[tuple[str, int], list[str]]:
    """Give how each attempt ended, as Taskscope has it."""
    found: dict[tuple[str, int], list[str]] = {}
    for run in runs:
        if run["run"] is not None and run["job"].startswith("tests.") and run["started_at"] is not None:
            found.setdefault((run["task"], run["attempt"]), []).append(run["outcome"])
    return found
