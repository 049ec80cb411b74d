import asyncio
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import taskscope
from taskscope.sdk.failure import describe
from tests.sdk.processes import Start

SOURCE = """
import builtins
{space}
def {outer}(depth, message):
    {comment}
    if depth:
        return [{outer}(depth - 1, message) for _ in (1,)]
    class Inner:
        def work(self):
            {space_inside}
            raise getattr(builtins, {error!r})(message)
    Inner().work()
"""


def fingerprint(call: Callable[..., Any], *args: object) -> str:
    try:
        call(*args)
    except BaseException as error:  # noqa: BLE001 - any error has a fingerprint
        return describe(error)["fingerprint"]
    raise AssertionError("it did not fail")


def build(error: str, outer: str, lines: int = 0, comment: str = "pass", file: str = "a.py", module: str = "m") -> Any:
    source = SOURCE.format(
        error=error, outer=outer, space="\n" * lines, comment=comment, space_inside="pass" + "\n" * lines
    )
    names: dict[str, Any] = {"__name__": module}
    exec(compile(source, file, "exec"), names)
    return names[outer]


errors = st.sampled_from(["ValueError", "KeyError", "OSError"])
functions = st.sampled_from(["load", "save_1", "save_2", "café"])
layouts = st.tuples(st.integers(0, 40), st.sampled_from(["pass", "x = 1"]), st.sampled_from(["a.py", "/srv/x/b.py"]))
calls = st.tuples(st.integers(0, 5), st.text())


@given(errors, functions, layouts, layouts, calls, calls)
def test_the_same_failure_has_one_fingerprint_wherever_its_lines_stand_and_whatever_it_was_called_with(
    error: str, outer: str, one: Any, other: Any, call: Any, other_call: Any
) -> None:
    first = fingerprint(build(error, outer, *one), *call)
    second = fingerprint(build(error, outer, *other), *other_call)
    assert first == second
    assert len(first) == 16


@given(
    st.tuples(errors, functions, st.sampled_from(["m", "n"])), st.tuples(errors, functions, st.sampled_from(["m", "n"]))
)
def test_another_type_function_or_module_has_another_fingerprint(one: Any, other: Any) -> None:
    def of(error: str, outer: str, module: str) -> str:
        return fingerprint(build(error, outer, module=module), 1, "x")

    assert (of(*one) == of(*other)) == (one == other)


def test_another_process_in_another_folder_finds_the_same(child: Start, tmp_path: Path) -> None:
    for folder, seed in (("a", "1"), ("b", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "shop.py").write_text("\n" * int(seed) + "def sell(n):\n    return {n: 1}[0]\n")
    script = """
import sys
sys.path.insert(0, sys.argv[2])
import shop
from taskscope.sdk.failure import describe
try:
    shop.sell(sys.argv[2])
except KeyError as error:
    print(describe(error)["fingerprint"])
"""
    found = {child(script, str(tmp_path / folder)).finish() for folder in ("a", "b")}
    assert len(found) == 1
    assert len(found.pop().strip()) == 16


def test_addresses_and_ids_in_names_do_not_count() -> None:
    def made(name: str) -> str:
        return fingerprint(build("ValueError", name), 0, "")

    assert made("handler_0x7f3a") == made("handler_0x11")
    assert made("handler_0199f5a0") == made("handler_12345678")
    assert made("handler_1") != made("handler_2")


def test_a_decorated_task_has_the_fingerprint_of_its_own_frames(scope: taskscope.Scope) -> None:
    def work() -> None:
        raise ValueError("no")

    async def later() -> None:
        work()

    recorded = scope.task(work)
    assert fingerprint(recorded) != fingerprint(work)  # the caller's frame is not the task's, but ours are skipped
    with pytest.raises(ValueError, match="no") as caught:
        recorded()
    alone = caught.value.with_traceback(caught.tb.tb_next)
    assert describe(alone)["fingerprint"] == describe(caught.value)["fingerprint"]
    assert fingerprint(lambda: asyncio.run(scope.task(later)())) != fingerprint(recorded)


def test_a_group_is_told_by_its_members() -> None:
    def group(*errors: Exception) -> str:
        def work() -> None:
            raise ExceptionGroup("some", list(errors))

        return fingerprint(work)

    assert group(ValueError(1), ValueError(2)) == group(ValueError(3))
    assert group(ValueError(1)) != group(KeyError(1))
    assert group(KeyError(1), ValueError(1)) == group(ValueError(1), KeyError(2))


def test_a_very_deep_recursion_has_a_fingerprint() -> None:
    names: dict[str, Any] = {}
    exec(textwrap.dedent("def deep(n): return deep(n + 1)"), names)
    assert fingerprint(names["deep"], 0) == fingerprint(names["deep"], 5)
