"""Processes that are made to be killed: an application that keeps an account of its calls, and a drain.

This program is started once and forks a victim for each line that it reads, `KIND HOME SERVICE`, in a process group of
its own, so that a round costs no start of Python. It answers with the group's id, and after each `reap` line it waits
for the last one's death.

The account of a thread is a file of its own. Each call of the application stands in it twice, one line before the call
and one after it, written straight to the kernel: `b TYPE TASK` and `a TYPE TASK`.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import taskscope
from taskscope import app, config
from taskscope.sdk import appending

# A kill shall also strike where one segment gives way to the next.
appending.SEGMENT_LIMIT_BYTES = 8 << 10


class Account:
    """What one thread of the application called, and which calls returned."""

    def __init__(self, home: Path, name: str) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._fd = os.open(home.with_name(f"{home.name}.{name}.account"), flags, 0o600)

    def __call__(self, event: str, task: str, call: Callable[[], object]) -> None:
        os.write(self._fd, b"b %b %b\n" % (event.encode(), task.encode()))
        call()
        os.write(self._fd, b"a %b %b\n" % (event.encode(), task.encode()))


def work(scope: taskscope.Scope, home: Path, name: str) -> None:
    """Record without end."""
    account = Account(home, name)
    number = 0
    while True:
        task = f"{name}-{number}"
        number += 1
        account("task.submitted", task, lambda task=task: scope.submitted("job", task_id=task))  # type: ignore[misc]
        run = scope.run("job", task_id=task)
        account("task.started", task, run.__enter__)
        account("task.progress", task, lambda run=run: run.progress(0.5))  # type: ignore[misc]
        account("task.succeeded", task, lambda run=run: run.__exit__(None, None, None))  # type: ignore[misc]


def single(home: Path, service: str) -> None:
    work(taskscope.connect(service, home=home, heartbeat_s=0.005), home, "single")


def threads(home: Path, service: str) -> None:
    scope = taskscope.connect(service, home=home, heartbeat_s=0.005)
    for n in range(3):
        threading.Thread(target=work, args=(scope, home, f"thread{n}"), daemon=True).start()
    work(scope, home, "main")


def forks(home: Path, service: str) -> None:
    scope = taskscope.connect(service, home=home, heartbeat_s=0.005)
    scope.submitted("job", task_id="before-the-forks")
    for n in range(3):
        if os.fork() == 0:
            work(scope, home, f"child{n}")
    work(scope, home, "parent")


def drain(home: Path, service: str) -> None:
    """Drain without end, while others record."""
    settings = config.load(str(home), environment={})
    store = app.open_store(settings)
    turns = os.open(home.with_name(f"{home.name}.drains"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    while True:
        if app.drain(settings, store, app.now_us()).records:
            os.write(turns, b".")


KINDS: dict[str, Callable[[Path, str], None]] = {"single": single, "threads": threads, "forks": forks, "drain": drain}


def main() -> None:
    for line in sys.stdin:
        kind, home, service = line.split()
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            try:
                KINDS[kind](Path(home), service)
            except BaseException:  # noqa: BLE001 - whatever it is, the test is to show it
                traceback.print_exc()
            finally:
                os._exit(1)  # a victim never comes to an end by itself
        os.setpgid(pid, pid)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
