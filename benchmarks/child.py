"""The process that is measured: `python -m benchmarks.child SUBJECT FOLDER`.

It makes its subject and calls it once, says so, and then does what it is told on stdin, a line each:

    repeat N            call it N times, and answer with the time that took
    endless FILE PACE   call it for ever, PACE times a second (0: as fast as it can), and count in FILE after each call
"""

from __future__ import annotations

import os
import sys
import time

from benchmarks.subjects import SUBJECTS

TYPE_CHECKING = False  # as typing has it, without importing typing
if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.subjects import Subject

SLICE = 1_000
"""Ids are made in slices, outside the time that is measured; few, or they would show in the memory."""


def main() -> None:
    """Serve until stdin ends."""
    name, folder = sys.argv[1:]
    before = memory_kib()
    try:
        subject = SUBJECTS[name](folder)
        subject.call("1")
    except ImportError as error:
        _answer({"missing": f"{type(error).__name__}: {error}"})
        return
    _answer({"before": before, "after_first": memory_kib()})
    done = 1
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "endless":
            endless(subject, arguments[0], float(arguments[1]))
        calls = int(arguments[0])
        _answer({**repeat(subject, done + 1, calls), "after": memory_kib()})
        done += calls


def repeat(subject: Subject, first: int, calls: int) -> dict[str, float]:
    """Call it for the tasks from `first` on.

    Returns
    -------
    Seconds until the calls were back, and seconds of CPU until everything was where it belongs, threads included.
    """
    call, wall_s, cpu_s = subject.call, 0.0, 0.0
    for start in range(first, first + calls, SLICE):
        tasks = [str(number) for number in range(start, min(start + SLICE, first + calls))]
        wall, cpu = time.perf_counter(), time.process_time()
        for task in tasks:
            call(task)
        wall_s += time.perf_counter() - wall
        cpu_s += time.process_time() - cpu
    cpu = time.process_time()
    subject.settle()
    return {"wall_s": wall_s, "cpu_s": cpu_s + time.process_time() - cpu}


def endless(subject: Subject, path: str, pace: float) -> None:
    """Call it until somebody kills this process. The account is shared memory: it outlives the process."""
    import itertools
    import mmap

    with open(path, "r+b") as file:
        account = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
    account[0] = 1  # the call before the first command
    call, due = subject.call, time.monotonic()
    for number in itertools.count(2):
        call(str(number))
        account[0] = number
        if pace:
            due += 1 / pace
            time.sleep(max(0.0, due - time.monotonic()))


def memory_kib() -> dict[str, int] | None:
    """Give resident memory, and what of it no other process shares, in KiB; None where the system does not tell."""
    try:
        with open("/proc/self/smaps_rollup", "rb") as file:
            lines = [line.split() for line in file.readlines()[1:]]
    except OSError:
        return None
    sizes = {line[0]: int(line[1]) for line in lines}
    return {"rss": sizes[b"Rss:"], "private": sizes[b"Private_Clean:"] + sizes[b"Private_Dirty:"]}


def _answer(found: Mapping[str, object]) -> None:
    import json

    os.write(1, json.dumps(found).encode() + b"\n")


if __name__ == "__main__":
    main()
