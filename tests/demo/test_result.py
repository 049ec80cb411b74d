"""The end of the demonstration: its exit code follows from what the tasks wrote themselves."""

import time
from pathlib import Path

import pytest

import taskscope
from taskscope.config import Settings
from taskscope.demo.account import Account, Submitted
from taskscope.demo.result import settle
from taskscope.demo.stage import SERVICE, Stage
from taskscope.demo.tray import Order, Tray
from taskscope.demo.worker import Worker


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """One worker has done three orders, one of them in two attempts and one without success."""
    stage = Stage(tmp_path)
    stage.build()
    scope, account, tray = (
        taskscope.connect(SERVICE, home=tmp_path),
        Account(stage.account, "producer"),
        Tray(stage.tray),
    )
    fates = {"task-1": {}, "task-2": {"too_early": 1}, "task-3": {"fate": "corrupt"}}
    for task, fate in fates.items():
        order = Order(task, "parse", "reports", 1, **fate)  # type: ignore[arg-type]  # a handful of made-up orders
        low_ns = time.time_ns()
        scope.submitted(order.job, task_id=task, queue=order.queue)
        order.due_ns = time.time_ns()
        account.append(Submitted(task, 1, low_ns, order.due_ns))
        tray.put(order)
    tray.close()
    account.close()
    scope.close()
    Worker(tmp_path, "worker-1").work()
    return stage


def test_equal_figures_end_well(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert settle(stage, Settings(home=stage.home), 0, []).code == 0
    assert "account and Taskscope: equal" in capsys.readouterr().out


def test_a_line_too_many_in_the_account_ends_badly_and_is_named(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    account = Account(stage.account, "producer")
    account.append(Submitted("task-4", 1, 1, 2))
    account.close()
    assert settle(stage, Settings(home=stage.home), 0, []).code == 1
    assert "figures differ: submitted; waiting; tasks\n" in capsys.readouterr().out


def test_facts_that_are_gone_end_it_badly(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    for segment in (stage.home / "spool").glob("*.seg*"):
        segment.unlink()
    assert settle(stage, Settings(home=stage.home), 0, []).code == 1
    assert "figures differ: submitted" in capsys.readouterr().out


def test_a_problem_with_a_process_ends_it_badly(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert settle(stage, Settings(home=stage.home), 0, ["worker-1 ended with 1"]).code == 1
    assert "problem: worker-1 ended with 1" in capsys.readouterr().out
