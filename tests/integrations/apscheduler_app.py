"""An application with a scheduler, and one line of Taskscope.

What its jobs do, they append to a file, and so does what APScheduler itself tells of them.
"""

import asyncio
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from apscheduler import events
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler

import taskscope
from taskscope.integrations.apscheduler import install

ACCOUNT = Path(os.environ["ACCOUNT"])
JOBS = {"nightly": {"owner": "Backend Platform", "category": "Project Health"}}
TOLD = {
    events.EVENT_JOB_EXECUTED: "executed",
    events.EVENT_JOB_ERROR: "error",
    events.EVENT_JOB_MISSED: "missed",
    events.EVENT_JOB_MAX_INSTANCES: "max_instances",
}


def note(what: str, job: str) -> None:
    """Append a line to the account, as the disk has it even if this process dies now."""
    fd = os.open(ACCOUNT, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, json.dumps({"what": what, "job": job, "pid": os.getpid()}).encode() + b"\n")
    os.close(fd)


def ok(job: str, seconds: float = 0.0) -> str:
    time.sleep(seconds)
    run = taskscope.current()
    if run is not None:
        run.output()
    note("succeeded", job)
    return job


async def await_ok(job: str) -> None:
    await asyncio.sleep(0.01)
    note("succeeded" if taskscope.current() is not None else "unrecorded", job)


def fail(job: str) -> None:
    note("failed", job)
    raise ValueError("no such project")


def suicide(job: str) -> None:
    note("lost", job)
    os.kill(os.getpid(), signal.SIGKILL)


def told(event: Any) -> None:
    for _ in getattr(event, "scheduled_run_times", [None]):
        note(TOLD[event.code], event.job_id)


def threads() -> None:
    """Schedule in threads and processes."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={
            "default": {"type": "threadpool", "max_workers": 8},
            "far": {"type": "processpool", "max_workers": 2},
        },
    )
    install(scheduler, service="shop", jobs=JOBS)
    install(scheduler, service="shop")
    scheduler.add_listener(told, sum(TOLD))
    now = datetime.now(UTC)
    once: dict[str, Any] = {"trigger": "date", "misfire_grace_time": None}
    scheduler.add_job(ok, args=["one"], id="one", **once)
    scheduler.add_job(fail, args=["bad"], id="bad", **once)
    scheduler.add_job(ok, args=["unnamed"], **once)
    scheduler.add_job(ok, "date", run_date=now - timedelta(seconds=60), args=["late"], id="late", misfire_grace_time=1)
    scheduler.add_job(ok, "interval", seconds=0.25, args=["slow", 1.0], id="slow", max_instances=1)
    scheduler.add_job(
        ok,
        "interval",
        seconds=10,
        args=["behind"],
        id="behind",
        next_run_time=now - timedelta(seconds=25),
        misfire_grace_time=None,
        coalesce=False,
    )
    scheduler.add_job(ok, "cron", hour=2, id="nightly", name="Calculate project health", args=["nightly"])
    scheduler.add_job(ok, "cron", hour=3, id="asleep", args=["asleep"], next_run_time=None)
    scheduler.add_job(ok, "cron", hour=4, id="removed", args=["removed"])
    scheduler.start()
    scheduler.remove_job("removed")
    for job, function in (("far-ok", ok), ("far-bad", fail), ("far-late", ok)):
        scheduler.add_job(function, args=[job], id=job, executor="far", **once)
    time.sleep(4)
    scheduler.add_job(suicide, args=["far-dead"], id="far-dead", executor="far", **once)
    time.sleep(2)
    scheduler.shutdown()


async def loop() -> None:
    """Schedule in an event loop."""
    scheduler = AsyncIOScheduler(timezone=UTC)
    scheduler.start()
    install(scheduler, service="loop")  # it may be running
    scheduler.add_listener(told, sum(TOLD))
    scheduler.add_job(await_ok, args=["one"], id="one", misfire_grace_time=None)
    scheduler.add_job(ok, args=["two"], id="two", misfire_grace_time=None)
    scheduler.add_job(fail, args=["three"], id="three", misfire_grace_time=None)
    await asyncio.sleep(1)
    scheduler.shutdown()


if __name__ == "__main__":
    if sys.argv[1] == "threads":
        threads()
    else:
        asyncio.run(loop())
