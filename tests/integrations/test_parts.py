"""What integrations are made of: stepping in front and aside, keeping errors away, knowing what a child finished."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from celery import Celery, signals
from celery.app.task import Task
from rq.job import Job
from rq.queue import Queue
from rq.worker import Worker

import taskscope
from taskscope.integrations import apscheduler, celery, rq
from taskscope.integrations.guarding import guarded
from taskscope.integrations.hands import Hands
from taskscope.integrations.patching import Patches
from taskscope.integrations.reporting import Arguments, Reporter
from tests.sdk.processes import Reader


class Base:
    def speak(self) -> str:
        return "base"


class Child(Base):
    pass


def test_patches_stand_in_front_of_own_inherited_and_instance_attributes_and_step_aside() -> None:
    one = Child()
    patches = Patches()
    for owner in (Base, Child, one):
        patches.put(owner, "speak", lambda speak: lambda *args: f"<{speak(*args)}>")
    patches.put(Child, "silent", lambda silent: silent)
    assert (Base().speak(), Child().speak(), one.speak()) == ("<base>", "<<base>>", "<<<base>>>")
    patches.undo()
    assert one.speak() == "base"
    assert not vars(one)
    assert "speak" not in vars(Child)
    assert not hasattr(Child, "silent")


def test_what_raises_is_logged_now_and_then_and_gives_none(caplog: pytest.LogCaptureFixture) -> None:
    @guarded
    def breaks(text: str) -> int:
        return int(text)

    with caplog.at_level(logging.WARNING, logger="taskscope"):
        assert breaks("7") == 7
        assert [breaks("x") for _ in range(100)] == [None] * 100
    assert 0 < len(caplog.records) <= 8


def test_a_parent_knows_what_a_killed_child_had_finished() -> None:
    hands = Hands()
    runs = [taskscope.connect().run("j").id for _ in range(2)]
    child = os.fork()
    if child == 0:
        hands.finished(runs[0])
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert [hands.has_finished(run) for run in runs] == [True, False]


def test_a_forked_hand_records_as_its_parent_and_says_nothing_of_presence(tmp_path: Path) -> None:
    reporter = Reporter("shop", home=tmp_path, worker="w")
    reporter.present()
    child = os.fork()
    if child == 0:
        with reporter.run("j", "t"), taskscope.connect("shop", home=tmp_path).run("inner"):
            pass
        reporter.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    reporter.close()
    facts = Reader(tmp_path).read()
    assert {(fact.get("worker"), fact.get("boot")) for fact in facts} == {("w", facts[0]["boot"])}
    assert [fact["type"] for fact in facts if fact["type"].startswith("worker.")] == [
        "worker.online",
        "worker.heartbeat",
        "worker.offline",
    ]


def test_changes_of_a_worker_are_told_once(tmp_path: Path) -> None:
    state = {"concurrency": 2, "queues": ["a"]}
    reporter = Reporter("shop", home=tmp_path, worker="w", look=lambda: dict(state))
    reporter.present()
    reporter.tell()
    state["concurrency"] = 4
    reporter.tell()
    reporter.tell()
    reporter.close()
    told = [fact["data"] for fact in Reader(tmp_path).workers() if "data" in fact]
    assert [{key: data[key] for key in state if key in data} for data in told] == [
        state | {"concurrency": 2},
        {},
        {"concurrency": 4},
    ]


def test_arguments_are_shown_where_asked_for_and_without_secrets(tmp_path: Path) -> None:
    def send(order: int, password: str, **more: Any) -> None: ...

    reporter = Reporter("shop", home=tmp_path)
    assert Arguments(False).of(send, (1,), {}) is None
    assert Arguments(["order"]).of(send, (1, "x"), {}) == {"order": 1}
    found = Arguments(True).of(send, (1, "x"), {"note": "n"})
    assert reporter.arguments(found)["args"] == {"order": 1, "password": "***", "more": {"note": "n"}}


def test_celery_is_left_as_it_was_after_uninstalling_and_installs_once() -> None:
    app = Celery("x", broker="memory://")
    before = [len(signal_.receivers) for signal_ in (signals.task_prerun, signals.before_task_publish)]
    update_state = Task.update_state
    celery.install(app)
    celery.install(app)
    assert [len(one.receivers) for one in (signals.task_prerun, signals.before_task_publish)] == [n + 1 for n in before]
    celery.uninstall(app)
    celery.uninstall(app)
    assert [len(one.receivers) for one in (signals.task_prerun, signals.before_task_publish)] == before
    assert Task.update_state is update_state


def test_rq_is_left_as_it_was_after_uninstalling() -> None:
    standing = [vars(owner).copy() for owner in (Queue, Job, Worker)]
    rq.install()
    rq.install()
    assert [vars(owner) for owner in (Queue, Job, Worker)] != standing
    rq.uninstall()
    assert [dict(vars(owner)) for owner in (Queue, Job, Worker)] == standing


def test_apscheduler_is_left_as_it_was_after_uninstalling(tmp_path: Path) -> None:
    scheduler = BackgroundScheduler()
    apscheduler.install(scheduler, home=tmp_path)
    scheduler.start(paused=True)
    executor, store = scheduler._executors["default"], scheduler._jobstores["default"]
    assert "submit_job" in vars(executor)
    apscheduler.uninstall(scheduler)
    assert not scheduler._listeners
    assert "submit_job" not in vars(executor)
    assert "update_job" not in vars(store)
    scheduler.shutdown()
    assert [fact["type"] for fact in Reader(tmp_path).workers()] == [
        "worker.online",
        "worker.heartbeat",
        "worker.offline",
    ]


def test_an_eager_celery_task_gives_its_result_whatever_becomes_of_the_recording(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")
    app = Celery("x", broker="memory://")
    app.conf.task_always_eager = True
    celery.install(app, home=tmp_path / "home")

    @app.task  # type: ignore[untyped-decorator]  # Celery has no types
    def double(number: int) -> int:
        return 2 * number

    try:
        assert double.delay(21).get() == 42
    finally:
        celery.uninstall(app)


@pytest.mark.parametrize("library", ["celery", "rq", "apscheduler"])
def test_importing_taskscope_loads_no_task_library(library: str) -> None:
    script = f"import sys, taskscope; sys.exit('{library}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
