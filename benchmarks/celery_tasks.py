"""What a Celery task costs more when it is recorded: by Taskscope, and by Celery's own events (`-E`).

Each way has a sender and a worker with one child, on queues of its own at one Redis. They take turns in short rounds,
so that a disturbance of the machine hits all alike. Compared is CPU time, of the sender and of the worker with its
child: what else runs on the machine changes it less. Nobody listens to the events, which is the cheapest case for them.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from benchmarks.process import ROOT, environment

WAYS = ("plain", "taskscope", "events")
ROUNDS = 20
WARM_UP = 200
BROKER = os.environ.get("TASKSCOPE_BENCH_REDIS", "redis://127.0.0.1:6379/9")
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_S = 120.0


def measure(tasks: int) -> dict[str, Any]:
    """Have `tasks` tasks done in each way.

    Returns
    -------
    For each way the microseconds of CPU a task, of sender and worker (median of the rounds); and what it costs beyond
    a plain one, the median of the differences within a round. `recorded`: how many of Taskscope's tasks it has.
    """
    try:
        import redis

        client = redis.Redis.from_url(BROKER)
        client.ping()
    except Exception as error:  # noqa: BLE001 - no library or no server: the result says so
        return {"missing": f"{type(error).__name__}: {error}"}
    prefix = f"taskscope-bench-{secrets.token_hex(4)}"
    each = max(1, tasks // ROUNDS)
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="taskscope-bench-")))
            parties = {way: stack.enter_context(Party(way, folder, prefix)) for way in WAYS}
            times = _rounds(parties, each)
            recorded = parties["taskscope"].recorded()
    finally:
        for key in client.scan_iter(f"*{prefix}*"):
            client.delete(key)
    found: dict[str, Any] = {"tasks": each * ROUNDS, "recorded": recorded}
    for part in ("sender", "worker", "both"):
        us = {way: [one[part] for one in times[way]] for way in WAYS}
        found[part] = {way: round(statistics.median(us[way]), 1) for way in WAYS} | {
            f"{way} - plain": round(statistics.median(a - b for a, b in zip(us[way], us["plain"], strict=True)), 1)
            for way in WAYS[1:]
        }
    return found


def _rounds(parties: dict[str, Party], each: int) -> dict[str, list[dict[str, float]]]:
    times: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for party in parties.values():
        party.round(WARM_UP)
    for turn in range(ROUNDS):
        for way in WAYS[turn % len(WAYS) :] + WAYS[: turn % len(WAYS)]:
            times[way].append(parties[way].round(each))
    return times


class Party:
    """A sender and a worker.

    Parameters
    ----------
    way
        How their tasks are recorded.
    folder
        Where they keep what they keep.
    prefix
        Of their keys at Redis.
    """

    def __init__(self, way: str, folder: Path, prefix: str) -> None:
        self._done = folder / way
        self._home = folder / f"{way}-home"
        more = {
            "BENCH_WAY": way,
            "BENCH_PREFIX": prefix,
            "BENCH_DONE": str(self._done),
            "BENCH_BROKER": BROKER,
            "TASKSCOPE_HOME": str(self._home),
        }
        flags = ["-c", "1", "-l", "ERROR", "-n", f"{way}@%h", "--without-gossip", "--without-mingle"]
        command = ["celery", "-A", "benchmarks.celery_app", "worker", *flags, *(["-E"] if way == "events" else [])]
        env = environment() | more
        self._worker = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._sender = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.celery_app"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._expected = 1

    def __enter__(self) -> Self:
        assert self._sender.stdout is not None
        self._sender.stdout.readline()
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self._sender, self._worker):
            process.terminate()
        for process in (self._sender, self._worker):
            process.wait()
        for stream in (self._sender.stdin, self._sender.stdout):
            assert stream is not None
            stream.close()

    def round(self, tasks: int) -> dict[str, float]:
        """Have so many tasks done, and give the microseconds of CPU for each."""
        assert self._sender.stdin is not None
        assert self._sender.stdout is not None
        before_s = self._worker_cpu_s()
        self._sender.stdin.write(f"{tasks}\n")
        self._sender.stdin.flush()
        answer = json.loads(self._sender.stdout.readline())
        self._expected += tasks
        self._wait()
        sender_us = answer["cpu_s"] / tasks * 1e6
        worker_us = (self._worker_cpu_s() - before_s) / tasks * 1e6
        return {"sender": sender_us, "worker": worker_us, "both": sender_us + worker_us}

    def recorded(self) -> int:
        """Count the tasks that succeeded by what Taskscope recorded."""
        from benchmarks.subjects import _recorded

        return sum(1 for _ in _recorded(str(self._home), "task.succeeded"))

    def _wait(self) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not self._done.exists() or self._done.stat().st_size < self._expected:
            if time.monotonic() > end or self._worker.poll() is not None:
                raise RuntimeError(f"Celery did not do its tasks: {self._done.name}")
            time.sleep(0.005)

    def _worker_cpu_s(self) -> float:
        pid = self._worker.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sum(_cpu_s(one) for one in (str(pid), *children))


def _cpu_s(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
