"""An application that uses RQ, and the settings of its workers, with one line of Taskscope.

What its jobs do, they append to a file.
"""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue, Retry, get_current_job

import taskscope
from taskscope.integrations.rq import install

ACCOUNT = Path(os.environ["ACCOUNT"])
PREFIX = os.environ["PREFIX"]
REDIS_URL = os.environ["BROKER"]

for _ in range(2):  # the second time does nothing
    install(service="shop", jobs={f"{__name__}.nightly": {"owner": "Platform", "category": "Nightly"}})


def note(what: str) -> None:
    """Append a line to the account, as the disk has it even if this process dies now."""
    job = get_current_job()
    line = {"task": job.id if job else "sync", "what": what, "pid": os.getpid()}
    fd = os.open(ACCOUNT, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, json.dumps(line).encode() + b"\n")
    os.close(fd)


def ends() -> int:
    """Count how often this job has ended already."""
    job = get_current_job()
    lines = map(json.loads, ACCOUNT.read_text().splitlines())
    return sum(job is not None and line["task"] == job.id and line["what"] != "start" for line in lines)


def ok(what: str = "", seconds: float = 0.0) -> str:
    note("start")
    time.sleep(seconds)
    run = taskscope.current()
    if run is not None:
        run.progress(0.5)
    note("succeeded")
    return what


def fail() -> None:
    note("start")
    note("failed")
    raise ValueError("no such order")


def flaky(fails: int) -> None:
    note("start")
    if ends() < fails:
        note("failed")
        raise OSError("busy")
    note("succeeded")


def asks(times: int) -> Any:
    """Ask for another attempt by the result."""
    note("start")
    if ends() < times:
        note("failed")
        return Retry(max=5)
    note("succeeded")
    return None


def hang(outcome: str) -> None:
    """Hang until somebody ends it, which will make this outcome."""
    note("start")
    note(outcome)
    time.sleep(60)


def suicide() -> None:
    note("start")
    note("lost")
    os.kill(os.getpid(), signal.SIGKILL)


def unlucky() -> None:
    """Succeed, with a callback that does not: RQ calls that a failure."""
    note("start")
    note("failed")


def refuse(*_: Any) -> None:
    raise KeyError("no such customer")


def parent() -> None:
    note("start")
    queue().enqueue(ok, "child", job_id=f"{PREFIX}-child")
    note("succeeded")


def nightly() -> None:
    note("start")


def queue(**more: Any) -> Queue:
    return Queue(f"{PREFIX}.default", connection=Redis.from_url(REDIS_URL), **more)
