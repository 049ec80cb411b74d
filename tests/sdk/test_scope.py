from datetime import UTC, datetime
from pathlib import Path

import pytest

import taskscope
from taskscope.sdk.home import resolve_home
from tests.sdk.processes import Reader, Start


def test_a_submission_gives_the_id_of_its_task(scope: taskscope.Scope, reader: Reader) -> None:
    eta = datetime(2026, 1, 8, tzinfo=UTC)
    given = scope.submitted(
        "job", task_id="t-1", queue="audio", attempt=2, eta=eta, idempotency_key="k", args=[1, "two"]
    )
    made = scope.submitted("job")
    first, second = reader.read()
    assert (given, first["task"]) == ("t-1", "t-1")
    assert (first["job"], first["queue"], first["attempt"], first["service"]) == ("job", "audio", 2, "shop")
    assert first["data"] == {"eta": "2026-01-08T00:00:00.000000Z", "idempotency_key": "k", "args": [1, "two"]}
    assert made == second["task"] != "t-1"
    assert "data" not in second


def test_the_same_arguments_give_the_same_scope(home: Path) -> None:
    assert taskscope.connect("a", home=home) is taskscope.connect("a", home=str(home))
    assert taskscope.connect("a", home=home) is not taskscope.connect("b", home=home)


def test_the_environment_names_home_and_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKSCOPE_HOME", str(tmp_path / "from-environment"))
    monkeypatch.setenv("TASKSCOPE_WORKER", "gpu-a-1")
    scope = taskscope.connect()
    assert (scope.worker, scope.service) == ("gpu-a-1", "default")
    assert taskscope.connect(worker="given").worker == "given"
    scope.submitted("job")
    assert list((tmp_path / "from-environment" / "spool").glob("*.seg"))
    scope.close()


def test_the_home_is_in_the_users_folder_when_nobody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TASKSCOPE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_home() == tmp_path / ".taskscope"


def test_a_relative_home_stays_where_it_was_when_the_application_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scope = taskscope.connect(home="relative")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    scope.submitted("job")
    assert (tmp_path / "relative" / "spool").is_dir()
    scope.close()


@pytest.mark.parametrize("bad", ["~no-such-user-here/home", 17])
def test_a_home_that_makes_no_sense_costs_counted_facts_and_no_exception(bad: object) -> None:
    scope = taskscope.connect("lost", home=bad)  # type: ignore[arg-type]
    before = scope.dropped
    with scope.run("job"):
        pass
    assert scope.dropped >= before + 2
    scope.close()


def test_importing_taskscope_loads_no_server_dependency(child: Start) -> None:
    script = """
import sys
import taskscope
heavy = {"asyncio", "click", "httpx", "litestar", "numpy", "psycopg", "rich", "sqlite3", "uvicorn", "yaml", "zstandard"}
print(sorted(heavy & set(sys.modules)), taskscope.__version__)
"""
    assert child(script).finish().split() == ["[]", taskscope.__version__]
    recording = {"connect", "Scope", "Run", "Retry", "TimedOut", "current", "__version__"}
    assert set(taskscope.__all__) == recording | {"Reader", "reader", "statistics", "all_statistics"}
