import functools
import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import taskscope
from taskscope.sdk.arguments import capture
from tests.sdk.processes import Reader


def args_of(reader: Reader) -> Any:
    return reader.tasks()[0].get("data", {}).get("args")


def test_only_scalars_of_id_parameters_are_recorded_unless_asked(scope: taskscope.Scope, reader: Reader) -> None:
    who = uuid.uuid4()

    @scope.task
    def work(order_id: int, text: str, id: object, *, user_id: uuid.UUID, basket_id: object, idle: int) -> None: ...  # noqa: A002

    work(7, "private", "x", user_id=who, basket_id=["not", "scalar"], idle=1)
    assert args_of(reader) == {"order_id": 7, "id": "x", "user_id": str(who)}


def test_a_task_without_ids_records_nothing(scope: taskscope.Scope, reader: Reader) -> None:
    scope.task(lambda text: text)("private")
    assert "data" not in reader.tasks()[0]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (True, {"a": 1, "b": {"password": "***"}, "rest": [3], "c": 4, "named": {"d": 5}}),
        (False, None),
        (["a", "c"], {"a": 1, "c": 4}),
        ("b", {"b": {"password": "***"}}),
        ([], None),
    ],
)
def test_a_task_says_which_of_its_arguments_to_record(
    scope: taskscope.Scope, reader: Reader, wanted: Any, expected: object
) -> None:
    class Shop:
        @scope.task(job="work", args=wanted)
        def work(self, a: int, b: object, *rest: int, c: int = 0, **named: int) -> int:
            return a

    assert Shop().work(1, {"password": "x"}, 3, c=4, d=5) == 1
    assert args_of(reader) == expected


def test_a_name_that_is_no_parameter_is_warned_of(scope: taskscope.Scope, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "taskscope"):
        scope.task(args=["ordre"])(lambda order: order)
    assert "['ordre']" in caplog.text


def test_what_was_left_to_its_default_is_not_recorded(scope: taskscope.Scope, reader: Reader) -> None:
    @scope.task(args=True)
    def work(a: int, b: int = 2) -> None: ...

    work(a=1)
    assert args_of(reader) == {"a": 1}


def test_a_call_with_wrong_arguments_fails_as_it_would_have(scope: taskscope.Scope, reader: Reader) -> None:
    @scope.task(args=True)
    def work(a: int) -> None: ...

    with pytest.raises(TypeError, match="unexpected keyword argument 'b'"):
        work(1, b=2)  # type: ignore[call-arg]
    assert reader.tasks()[-1]["type"] == "task.failed"


@pytest.mark.parametrize("function", [dict, len, functools.partial(max), min])
def test_a_function_without_a_readable_signature_records_none(function: Callable[..., Any]) -> None:
    assert capture(function, None) is None


def test_a_partial_counts_from_what_is_left(scope: taskscope.Scope, reader: Reader) -> None:
    def work(first: int, order_id: int) -> int:
        return first + order_id

    assert scope.task(functools.partial(work, 1))(2) == 3
    assert args_of(reader) == {"order_id": 2}


def test_arguments_that_are_given_are_kept_and_masked(home: Path, scope: taskscope.Scope, reader: Reader) -> None:
    with scope.run("job", args=["redis://:pw@h", {"api_key": 1}]):
        pass
    scope.submitted("job", args={"token": "x", "n": 1})
    started, _, submitted = reader.tasks()
    assert started["data"]["args"] == ["redis://:***@h", {"api_key": "***"}]
    assert submitted["data"]["args"] == {"token": "***", "n": 1}
