import asyncio
import contextvars
import threading

import taskscope
from taskscope import current
from tests.sdk.processes import Fact, Reader, Start


def parents(facts: list[Fact]) -> dict[str, str | None]:
    """Give the job of the parent of each job."""
    jobs = {fact["run"]: fact["job"] for fact in facts}
    started = [fact for fact in facts if fact["type"] == "task.started"]
    assert all(fact["data"]["parent"]["task"] for fact in started if "data" in fact)
    return {fact["job"]: jobs[fact["data"]["parent"]["run"]] if "data" in fact else None for fact in started}


def test_a_run_inside_another_names_its_parent(scope: taskscope.Scope, reader: Reader) -> None:
    with scope.run("outer", task_id="t-1") as outer:
        with scope.run("inner", timeout=1) as inner:
            assert current() is inner
        assert current() is outer
        with scope.run("second"):
            pass
    assert current() is None
    first, second, *_ = reader.tasks()
    assert "data" not in first
    assert second["data"] == {"timeout_ms": 1000.0, "parent": {"task": "t-1", "run": outer.id}}
    assert scope.task(lambda: current() is None)() is False


def test_a_parent_of_another_service_names_it(scope: taskscope.Scope, reader: Reader) -> None:
    other = taskscope.connect("print", home=reader.home)
    with scope.run("outer") as outer, other.run("inner"):
        pass
    inner = next(fact for fact in reader.tasks() if fact["job"] == "inner")
    assert inner["data"]["parent"] == {"task": outer.task_id, "run": outer.id, "service": "shop"}
    other.close()


def test_code_deep_inside_reports_to_the_innermost_run(scope: taskscope.Scope, reader: Reader) -> None:
    def deep() -> None:
        run = current()
        assert run is not None
        run.output(3)

    @scope.task(job="work")
    def work() -> None:
        deep()

    with scope.run("outer"):
        work()
    assert [fact["job"] for fact in reader.tasks() if fact["type"] == "task.output"] == ["work"]


def test_tasks_of_asyncio_see_the_run_that_they_were_made_in(scope: taskscope.Scope, reader: Reader) -> None:
    @scope.task(job="child")
    async def child_task(hold: asyncio.Event) -> None:
        run = current()
        await hold.wait()
        assert current() is run

    async def main() -> None:
        hold = asyncio.Event()
        with scope.run("outer"):
            tasks = [asyncio.create_task(child_task(hold)) for _ in range(2)]
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_soon(hold.set)
            await asyncio.gather(*tasks)

        async def afterwards() -> None:
            assert current() is None

        await asyncio.create_task(afterwards())

    asyncio.run(main())
    assert parents(reader.tasks()) == {"outer": None, "child": "outer"}


def test_a_run_that_ended_is_no_parent_of_what_goes_on_after_it(scope: taskscope.Scope, reader: Reader) -> None:
    async def late(begin: asyncio.Event) -> None:
        await begin.wait()
        assert current() is None
        with scope.run("late"):
            pass

    async def main() -> None:
        begin = asyncio.Event()
        with scope.run("outer"):
            task = asyncio.create_task(late(begin))
            await asyncio.sleep(0)
        begin.set()
        await task

    asyncio.run(main())
    assert parents(reader.tasks()) == {"outer": None, "late": None}


def test_a_new_thread_begins_outside_of_all_runs(scope: taskscope.Scope, reader: Reader) -> None:
    def work() -> None:
        with scope.run("thread"):
            pass

    with scope.run("outer"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        context = contextvars.copy_context()
        carried = threading.Thread(target=context.run, args=(scope.task(job="carried")(lambda: None),))
        carried.start()
        carried.join()
    assert parents(reader.tasks()) == {"outer": None, "thread": None, "carried": "outer"}


def test_runs_may_end_in_any_order_and_in_another_context(scope: taskscope.Scope) -> None:
    first, second, third = scope.run("a"), scope.run("b"), scope.run("c")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert current() is second
    third.__enter__()
    contextvars.copy_context().run(third.__exit__, None, None, None)
    assert current() is second
    second.__exit__(None, None, None)
    assert current() is None


def test_a_forked_child_inside_a_run_knows_its_parent(child: Start, reader: Reader) -> None:
    script = """
import os
import taskscope
scope = taskscope.connect()
with scope.run("outer"):
    if os.fork() == 0:
        with scope.run("inner"):
            pass
        os._exit(0)
    os.wait()
"""
    child(script).finish()
    assert parents(reader.tasks()) == {"outer": None, "inner": "outer"}
