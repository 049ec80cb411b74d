"""The ends of a process and its odd corners: nothing is raised, nothing is printed, what can be recorded is."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sdk.processes import DEADLINE_S, Reader


def run(home: Path, script: str, *, code: int = 0) -> tuple[str, str]:
    """Run a script to its end; give what it printed on both streams."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", "import taskscope\nscope = taskscope.connect()\n" + script],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TASKSCOPE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def types(reader: Reader) -> list[str]:
    return [fact["type"] for fact in reader.read()]


@pytest.mark.parametrize("turn", range(3))
def test_daemon_threads_that_record_while_the_interpreter_goes_down_are_silent(
    home: Path, reader: Reader, turn: int
) -> None:
    script = """
import threading
working = threading.Semaphore(0)
def work(n):
    while True:
        with scope.run("job") as run:
            run.progress(0.5)
        scope.submitted("job", idempotency_key=f"k-{n}")
        working.release()
for n in range(4):
    threading.Thread(target=work, args=(n,), daemon=True).start()
for _ in range(40):
    working.acquire()
"""
    assert run(home, script) == ("", "")
    assert "task.succeeded" in types(reader)
    assert reader.last.torn == 0


def test_what_other_exit_handlers_record_is_kept_whatever_their_order(home: Path, reader: Reader) -> None:
    script = """
import atexit
def work(name):
    import taskscope
    with taskscope.connect().run(name):
        pass
atexit.register(work, "after ours")
import taskscope
atexit.register(work, "before ours")
work("main")
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", script],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TASKSCOPE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    ended = [fact["job"] for fact in reader.tasks() if fact["type"] == "task.succeeded"]
    assert ended == ["main", "before ours", "after ours"]


def test_a_generator_that_is_left_open_at_exit_hangs_nothing(home: Path, reader: Reader) -> None:
    script = """
import threading
@scope.task
def steps():
    yield 1
    yield 2
def work():
    while True:
        scope.submitted("job")
kept = steps()
next(kept)
class Cycle: pass
cycle = Cycle()
cycle.me, cycle.steps = cycle, steps()
next(cycle.steps)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
"""
    assert run(home, script) == ("", "")
    assert types(reader).count("task.started") == 2


def test_ctrl_c_cancels_what_runs_and_the_worker_says_that_it_goes(home: Path, reader: Reader) -> None:
    script = """
import os, signal
with scope.run("job") as run:
    run.progress(0.1)
    run.progress(0.2)
    os.kill(os.getpid(), signal.SIGINT)
    while True: pass
"""
    _, errors = run(home, script, code=-signal.SIGINT)
    assert "KeyboardInterrupt" in errors
    facts = reader.read()
    assert [fact["type"] for fact in facts][-2:] == ["task.cancelled", "worker.offline"]
    assert facts[-2]["data"] == {"reason": "KeyboardInterrupt", "progress": 0.2}


def test_a_signal_handler_may_record_runs_and_keys_wherever_it_strikes(home: Path, reader: Reader) -> None:
    script = """
import signal
hits = depth = 0
def handler(number, frame):
    global hits, depth
    if depth == 5:  # on a busy machine signals come faster than they are handled
        return
    depth += 1
    hits += 1
    with scope.run("handler") as run:
        assert taskscope.current() is run
        scope.submitted("job", idempotency_key=f"h-{hits}")
    depth -= 1
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
while hits < 200:
    with scope.run("main") as run:
        run.progress(0.5)
        assert taskscope.current() is run
    scope.submitted("job", idempotency_key="main")
signal.setitimer(signal.ITIMER_REAL, 0)
print(hits)
"""
    out, errors = run(home, script)
    # A handler that strikes inside of a look-up can't wait for it: its submission counts as new, and the log says so.
    assert all("so the submission counts as new" in line for line in errors.splitlines())
    facts = reader.tasks()
    handled = [fact for fact in facts if fact.get("job") == "handler" and fact["type"] == "task.succeeded"]
    assert len(handled) == int(out)
    starts = {fact["run"] for fact in facts if fact["type"] == "task.started"}
    assert {fact["run"] for fact in facts if fact["type"] == "task.succeeded"} == starts


def test_a_handler_of_sigterm_that_exits_cancels_what_runs(home: Path, reader: Reader) -> None:
    script = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
@scope.task
def steps():
    yield 1
    os.kill(os.getpid(), signal.SIGTERM)
    while True: pass
for _ in steps(): pass
"""
    assert run(home, script) == ("", "")
    assert types(reader)[-2:] == ["task.cancelled", "worker.offline"]


def test_a_process_that_only_submits_has_no_thread(home: Path) -> None:
    script = """
import threading
scope.submitted("job", idempotency_key="k")
print(threading.active_count())
"""
    assert run(home, script) == ("1\n", "")


def test_a_sub_interpreter_records_nothing_and_says_why_once(home: Path, reader: Reader) -> None:
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        break
    else:
        pytest.skip("this Python has no sub-interpreters that can be asked for")
    inside = """
import threading, taskscope
for _ in range(2):
    scope = taskscope.connect()
with scope.run("job"):
    scope.submitted("job", idempotency_key="k")
assert scope.dropped > 0
assert threading.active_count() == 1
"""
    script = f"""
import {name} as interpreters
one = interpreters.create()
interpreters.run_string(one, {inside!r})
interpreters.destroy(one)
with scope.run("main"):
    pass
"""
    out, errors = run(home, script)
    assert out == ""
    assert errors.count("this is a sub-interpreter") == 1
    assert {fact["job"] for fact in reader.tasks()} == {"main"}
