"""A Celery application as people have them, with one line of Taskscope. What its tasks do, they append to a file."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from celery import Celery, Task
from celery.exceptions import Ignore, Reject

import taskscope
from taskscope.integrations.celery import install

ACCOUNT = Path(os.environ["ACCOUNT"])
PREFIX = os.environ["PREFIX"]
SEEN = {"global_keyprefix": PREFIX}

app = Celery("shop", broker=os.environ["BROKER"], backend=os.environ["BACKEND"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options=SEEN if os.environ["BROKER"].startswith("redis") else {},
    result_backend_transport_options=SEEN,
    task_default_queue=f"{PREFIX}.default",
    task_send_sent_event=True,
    worker_pool_start_method=os.environ.get("START_METHOD", "fork"),
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    beat_schedule={
        "often": {"task": "tests.ok", "schedule": 0.5, "args": ["beat"]},
        "rarely": {"task": "tests.nightly", "schedule": 3600.0},
    },
)
if os.environ.get("RECORDED", "yes") == "yes":
    for _ in range(2):  # the second time does nothing
        install(app, service="shop", jobs={"tests.nightly": {"owner": "Platform", "category": "Nightly"}})


def note(task: Any, what: str) -> None:
    """Append a line to the account, as the disk has it even if this process dies now."""
    line = {"task": task.request.id, "attempt": task.request.retries + 1, "what": what, "pid": os.getpid()}
    fd = os.open(ACCOUNT, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, json.dumps(line).encode() + b"\n")
    os.close(fd)


@app.task(bind=True, name="tests.ok")
def ok(self: Any, what: str = "", seconds: float = 0.0) -> str:
    note(self, "start")
    time.sleep(seconds)
    note(self, "succeeded")
    return what


@app.task(bind=True, name="tests.fail")
def fail(self: Any) -> None:
    note(self, "start")
    note(self, "failed")
    raise ValueError("no such order")


@app.task(bind=True, name="tests.flaky", max_retries=3)
def flaky(self: Any, fails: int) -> None:
    note(self, "start")
    if self.request.retries < fails:
        note(self, "failed")
        raise self.retry(exc=OSError("busy"), countdown=0.2)
    note(self, "succeeded")


@app.task(bind=True, name="tests.soft", soft_time_limit=1)
def soft(self: Any) -> None:
    note(self, "start")
    note(self, "timed_out")
    time.sleep(60)


@app.task(bind=True, name="tests.hard", time_limit=1)
def hard(self: Any) -> None:
    note(self, "start")
    note(self, "timed_out")
    time.sleep(60)


@app.task(bind=True, name="tests.hang")
def hang(self: Any, outcome: str) -> None:
    """Hang until somebody ends it, which will make this outcome."""
    note(self, "start")
    note(self, outcome)
    time.sleep(60)


@app.task(bind=True, name="tests.suicide", acks_late=True, reject_on_worker_lost=True)
def suicide(self: Any) -> None:
    """Die in the first delivery, succeed in the second."""
    first = self.request.id not in ACCOUNT.read_text()
    note(self, "start")
    if first:
        note(self, "lost")
        os.kill(os.getpid(), signal.SIGKILL)
    note(self, "succeeded")


@app.task(bind=True, name="tests.exits")
def exits(self: Any) -> None:
    note(self, "start")
    note(self, "failed")
    sys.exit(3)


@app.task(bind=True, name="tests.ignored")
def ignored(self: Any) -> None:
    note(self, "start")
    note(self, "cancelled")
    raise Ignore


@app.task(bind=True, name="tests.rejected", acks_late=True)
def rejected(self: Any) -> None:
    note(self, "start")
    note(self, "failed")
    raise Reject("broken", requeue=False)


@app.task(bind=True, name="tests.parent")
def parent(self: Any) -> str:
    note(self, "start")
    with taskscope.connect("shop").run("step"):
        child: str = ok.delay("child").id
    note(self, "succeeded")
    return child


@app.task(bind=True, name="tests.measured")
def measured(self: Any) -> None:
    note(self, "start")
    self.update_state(state="PROGRESS", meta={"current": 1, "total": 4})
    run = taskscope.current()
    assert run is not None
    run.output(3)
    note(self, "succeeded")


@app.task(bind=True, name="tests.late", acks_late=True)
def late(self: Any) -> None:
    """Hang in the first delivery, succeed in the second."""
    first = self.request.id not in ACCOUNT.read_text()
    note(self, "start")
    if first:
        note(self, "lost")
        time.sleep(60)
    note(self, "succeeded")


class Worker(Task):  # type: ignore[misc]  # Celery has no types
    """A class of tasks of the application's own."""


@app.task(bind=True, base=Worker, name="tests.own")
def own(self: Any) -> None:
    note(self, "start")
    note(self, "succeeded")
