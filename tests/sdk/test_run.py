import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import taskscope
from taskscope import Retry, TimedOut
from tests.sdk.processes import Fact, Reader, Start


def end_of(reader: Reader, error: BaseException, scope: taskscope.Scope) -> Fact:
    """Run a task that raises, and give the fact of its end; the exception has to come out as it was."""
    with pytest.raises(type(error)) as caught, scope.run("job"):
        raise error
    assert caught.value is error
    return reader.tasks()[-1]


def test_a_clean_run_is_started_and_succeeds(scope: taskscope.Scope, reader: Reader) -> None:
    before = datetime.now(UTC)
    with scope.run("transcribe", task_id="t-1", queue="audio", attempt=2, timeout=1.5, args={"x": [1]}) as run:
        pass
    after = datetime.now(UTC)
    started, ended = reader.tasks()
    same = {
        "service": "shop",
        "task": "t-1",
        "attempt": 2,
        "run": run.id,
        "job": "transcribe",
        "queue": "audio",
        "worker": "w-1",
        "boot": scope.boot,
    }
    assert (
        started.items() >= (same | {"type": "task.started", "data": {"timeout_ms": 1500.0, "args": {"x": [1]}}}).items()
    )
    assert ended.items() >= (same | {"type": "task.succeeded"}).items()
    assert "data" not in ended
    assert started["id"] < ended["id"]
    began, finished = (datetime.fromtimestamp(fact["time"] / 1000, UTC) for fact in (started, ended))
    assert before <= began <= finished <= after
    assert 0 < ended["duration_ms"] <= (after - before) / timedelta(milliseconds=1)
    assert (run.task_id, run.attempt) == ("t-1", 2)


def test_a_task_without_an_id_gets_one(scope: taskscope.Scope, reader: Reader) -> None:
    with scope.run("job") as one, scope.run("job") as two:
        pass
    assert len({one.task_id, two.task_id, one.id, two.id}) == 4
    assert {fact["task"] for fact in reader.tasks()} == {one.task_id, two.task_id}


def test_empty_names_are_no_names(scope: taskscope.Scope, reader: Reader) -> None:
    with scope.run("", task_id="", queue="") as run:
        pass
    fact = reader.tasks()[0]
    assert (fact["job"], fact["task"]) == ("unnamed", run.task_id)
    assert fact["task"]
    assert "queue" not in fact


def test_an_exception_fails_the_run_and_goes_on_unchanged(scope: taskscope.Scope, reader: Reader) -> None:
    fact = end_of(reader, ValueError("no such order"), scope)
    assert fact["type"] == "task.failed"
    assert (fact["data"]["error"]["type"], fact["data"]["error"]["message"]) == ("ValueError", "no such order")
    assert "raise error" in fact["data"]["error"]["traceback"]
    assert fact["duration_ms"] > 0


@pytest.mark.parametrize(
    ("eta", "expected"),
    [
        (None, None),
        (datetime(2026, 1, 8, 8, 28, 15, 250_000, tzinfo=UTC), "2026-01-08T08:28:15.250000Z"),
        (datetime(2026, 1, 8, 16, 28, tzinfo=timezone(timedelta(hours=8))), "2026-01-08T08:28:00.000000Z"),
        (1_767_860_895.25, "2026-01-08T08:28:15.250000Z"),
        (float("inf"), None),
        ("tomorrow", None),
    ],
)
def test_a_retry_is_recorded_with_the_time_of_the_next_attempt(
    scope: taskscope.Scope, reader: Reader, eta: object, expected: str | None
) -> None:
    fact = end_of(reader, Retry("busy", eta=eta), scope)  # type: ignore[arg-type]
    assert fact["type"] == "task.retrying"
    assert fact["data"].get("eta") == expected
    assert fact["data"]["reason"] == "busy"
    assert fact["data"]["error"]["message"] == "busy"


def test_a_retry_tells_the_error_that_caused_it(scope: taskscope.Scope, reader: Reader) -> None:
    retry = Retry(eta=0)
    retry.__cause__ = ConnectionError("refused")
    assert end_of(reader, retry, scope)["data"]["error"]["type"] == "ConnectionError"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimedOut("600 s"), "task.timed_out"),
        (TimeoutError("a slow network"), "task.failed"),
        (asyncio.CancelledError(), "task.cancelled"),
        (KeyboardInterrupt(), "task.cancelled"),
        (GeneratorExit(), "task.cancelled"),
        (SystemExit(), "task.cancelled"),
        (SystemExit(0), "task.cancelled"),
        (SystemExit(1), "task.failed"),
        (SystemExit("no input"), "task.failed"),
        (BaseException("strange"), "task.failed"),
    ],
)
def test_each_way_out_has_its_outcome(
    scope: taskscope.Scope, reader: Reader, error: BaseException, expected: str
) -> None:
    assert end_of(reader, error, scope)["type"] == expected


def test_progress_and_outputs_are_recorded_with_the_run(scope: taskscope.Scope, reader: Reader) -> None:
    with scope.run("job") as run:
        run.progress(0.4)
        run.progress(7)
        run.output()
        run.output(n=3)
    facts = reader.tasks()[1:-1]
    assert [(fact["type"], fact["data"]) for fact in facts] == [
        ("task.progress", {"progress": 0.4}),
        ("task.progress", {"progress": 1.0}),
        ("task.output", {"outputs": 1}),
        ("task.output", {"outputs": 3}),
    ]
    assert {fact["run"] for fact in facts} == {run.id}


def test_what_is_no_number_is_left_out(scope: taskscope.Scope, reader: Reader) -> None:
    with scope.run("job") as run:
        run.progress(float("nan"))
        run.progress("half")  # type: ignore[arg-type]
        run.output(-1)
        run.output(0.5)  # type: ignore[arg-type]
    assert len(reader.tasks()) == 2


def test_an_async_run_is_recorded_and_its_cancellation_too(scope: taskscope.Scope, reader: Reader) -> None:
    async def work(name: str, inside: asyncio.Event) -> None:
        async with scope.run(name) as run:
            run.progress(0.5)
            inside.set()
            await asyncio.Event().wait()

    async def main() -> None:
        inside = asyncio.Event()
        task = asyncio.create_task(work("slow", inside))
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with scope.run("fast"):
            pass

    asyncio.run(main())
    assert [(fact["type"], fact["job"]) for fact in reader.tasks()] == [
        ("task.started", "slow"),
        ("task.progress", "slow"),
        ("task.cancelled", "slow"),
        ("task.started", "fast"),
        ("task.succeeded", "fast"),
    ]


def test_a_child_forked_inside_a_run_does_not_end_it(child: Start, reader: Reader) -> None:
    script = """
import os
import taskscope
scope = taskscope.connect()
with scope.run("outer") as run:
    if os.fork() == 0:
        run.output(2)
        with scope.run("inner"):
            pass
        raise SystemExit(3)
    os.wait()
"""
    child(script).finish()
    facts = reader.tasks()
    outer = [fact for fact in facts if fact["job"] == "outer"]
    inner = [fact for fact in facts if fact["job"] == "inner"]
    assert [fact["type"] for fact in sorted(outer, key=lambda fact: fact["time"])] == [
        "task.started",
        "task.output",
        "task.succeeded",
    ]
    assert len({fact["boot"] for fact in outer}) == 1
    assert {fact["boot"] for fact in inner}.isdisjoint({fact["boot"] for fact in outer})


def test_recording_into_nowhere_leaves_the_application_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    scope = taskscope.connect(home=tmp_path / "file")
    with pytest.raises(ZeroDivisionError), scope.run("job") as run:
        run.progress(1 / 0)
    with scope.run("job") as run:
        result = 42
    assert result == 42
    assert scope.dropped >= 4
