"""The command as a process of its own: signals, pipes and the start."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Cli
from tests.cli.facts import event, ndjson

TASKSCOPE = Path(sys.executable).with_name("taskscope")
DEADLINE_S = 20


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.005)


def test_the_installed_command_says_its_version() -> None:
    done = subprocess.run([TASKSCOPE, "--version"], capture_output=True, text=True, check=True, timeout=DEADLINE_S)
    assert done.stdout.startswith("taskscope 0.")


def test_help_names_every_command() -> None:
    done = subprocess.run([TASKSCOPE, "--help"], capture_output=True, text=True, check=True, timeout=DEADLINE_S)
    for command in (
        "agent",
        "audit",
        "token",
        "spool",
        "import",
        "stats",
        "utilization",
        "percentiles",
        "runs",
        "verify",
        "export",
        "tick",
        "doctor",
        "backup",
        "restore",
        "serve",
        "demo",
    ):
        assert f"\n  {command}" in done.stdout


def test_a_question_loads_no_web_server() -> None:
    script = "import sys, taskscope.cli.stats; print('litestar' in sys.modules, 'uvicorn' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=DEADLINE_S
    )
    assert done.stdout.split() == ["False", "False"]


def test_json_goes_to_stdout_and_messages_to_stderr(cli: Cli) -> None:
    command: list[str | Path] = [TASKSCOPE, "import", "-", "--json", "--home", cli.home]
    done = subprocess.run(command, input=b"x\n", capture_output=True, check=False, timeout=DEADLINE_S)
    assert done.returncode == 1
    assert json.loads(done.stdout)["rejected_total"] == 1
    assert done.stderr == b""


def test_an_interrupted_command_ends_with_130_and_no_traceback(cli: Cli) -> None:
    process = subprocess.Popen(
        [TASKSCOPE, "import", "-", "--home", cli.home],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for((cli.home / "taskscope.db-wal").exists)
    process.send_signal(signal.SIGINT)
    wait_for(lambda: process.poll() is not None)
    _, err = process.communicate()
    assert process.returncode == 130, err
    assert b"Traceback" not in err


def test_nobody_is_told_when_the_reader_of_an_export_goes_away(cli: Cli) -> None:
    cli.json("import", "-", stdin=ndjson(event("task.submitted", str(number), 0) for number in range(3_000)))
    process = subprocess.Popen(
        [TASKSCOPE, "export", "--home", cli.home], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(DEADLINE_S) != 0
