"""The whole demonstration, as a user starts it."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from taskscope.cli import main as command
from taskscope.demo import main
from taskscope.errors import UsageError

COMMAND = [sys.executable, "-c", f"from {command.__module__} import main; main()", "demo"]


def processes_of(home: Path) -> list[str]:
    """Find the processes that name a folder on their command line; on Linux alone."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(home) in line:
            found.append(line)
    return found


def test_it_ends_by_itself_and_both_sides_are_equal(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = subprocess.run(
        [*COMMAND, "--seconds", "6", "--home", str(home)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for expected in ("the pages are at http://127.0.0.1:", "joins", "is killed in the middle of", "is stuck in"):
        assert expected in done.stdout
    assert "account and Taskscope: equal" in done.stdout
    assert "taskscope verify: no difference" in done.stdout
    assert "✗" not in done.stdout
    assert processes_of(home) == []


def test_an_interrupt_ends_it_with_the_same_summary(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = os.environ | {"TASKSCOPE_HOME": str(tmp_path / "elsewhere"), "TASKSCOPE_STORE": "no store"}
    with subprocess.Popen([*COMMAND, "--home", str(home)], stdout=subprocess.PIPE, text=True, env=environment) as demo:
        watchdog = threading.Timer(120, demo.kill)
        watchdog.start()
        assert demo.stdout is not None
        seen = ""
        while "the pages are at" not in seen:
            line = demo.stdout.readline()
            assert line, seen
            seen += line
        demo.send_signal(signal.SIGINT)
        seen += demo.stdout.read()
        assert demo.wait() == 0, seen
        watchdog.cancel()
    assert "account and Taskscope: equal" in seen
    assert processes_of(home) == []
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc")
def test_a_demonstration_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with subprocess.Popen([*COMMAND, "--home", str(home)], stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        while "the pages are at" not in (line := demo.stdout.readline()):
            assert line
        assert len(processes_of(home)) >= 5
        demo.kill()
    end_s = time.monotonic() + 20
    while left := processes_of(home):
        assert time.monotonic() < end_s, left


def test_a_home_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(UsageError, match="not an empty folder"):
        main(1, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_no_time_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        main(0, tmp_path / "home")
    assert not (tmp_path / "home").exists()
