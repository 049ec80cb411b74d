import pytest

import taskscope
from taskscope.sdk.failure import describe
from tests.sdk.processes import Reader


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_an_error_is_its_type_its_message_and_its_traceback() -> None:
    described = describe(raised(KeyError("order")))
    assert (described["type"], described["message"]) == ("KeyError", "'order'")
    assert described["traceback"].startswith("Traceback (most recent call last)")
    assert "in raised" in described["traceback"]


def test_a_type_that_is_not_built_in_carries_its_module() -> None:
    assert describe(raised(taskscope.TimedOut()))["type"] == "taskscope.sdk.outcome.TimedOut"


def test_a_long_message_keeps_its_start_and_a_long_traceback_its_end() -> None:
    described = describe(raised(ValueError("a" * 50_000 + "the end")))
    assert described["message"] == "a" * 2_000
    assert len(described["traceback"]) == 20_000
    assert described["traceback"].endswith("the end\n")


def test_an_error_without_a_readable_message_is_still_described() -> None:
    class RudeError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert describe(raised(RudeError()))["message"] == "<its message can't be read>"


def test_a_decorated_function_shows_its_own_frames_only(scope: taskscope.Scope, reader: Reader) -> None:
    @scope.task
    def broken() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        broken()
    trace = reader.tasks()[-1]["data"]["error"]["traceback"]
    assert "in broken" in trace
    assert "wrap.py" not in trace
