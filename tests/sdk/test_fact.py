from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import taskscope
from taskscope.sdk.fact import DATA_LIMIT_BYTES, Fact, encode, name
from tests.sdk.processes import Reader

NOW = datetime(2026, 1, 8, 8, 28, 15, 250_000, tzinfo=UTC)
NOW_MS = 1_767_860_895_250.0


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def encoded(data: dict[str, Any] | None, task: str | None = None) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(encode(Fact("id", "task.started", NOW_MS, "shop", task, data=data)))
    return decoded


def test_what_is_absent_is_left_out() -> None:
    assert encoded(None, task="t") == {
        "id": "id",
        "type": "task.started",
        "time": NOW_MS,
        "service": "shop",
        "task": "t",
    }


def test_arguments_without_a_json_form_are_shown_by_their_repr() -> None:
    assert encoded({"args": {"when": NOW, "what": complex(1, 2)}})["data"]["args"]["what"] == "(1+2j)"


@pytest.mark.parametrize(
    "args",
    [Rude(), "\ud800", nested(40), nested(5_000), [1 << 64], "x" * DATA_LIMIT_BYTES],
    ids=["rude", "surrogate", "deep", "very deep", "large number", "long"],
)
def test_arguments_that_can_not_be_sent_are_left_out_and_the_fact_is_kept(args: object) -> None:
    fact = encoded({"args": args, "timeout_ms": 5.0})
    assert fact["id"] == "id"
    assert fact["data"] == {"timeout_ms": 5.0, "shortened": True}


def test_an_error_that_is_too_large_in_bytes_is_shortened() -> None:
    error = {"type": "E", "message": "\x01" * 2_000, "traceback": "\x01" * 20_000}
    payload = encode(Fact("id", "task.failed", NOW_MS, "shop", data={"error": error}))
    assert len(payload) <= DATA_LIMIT_BYTES
    assert msgspec.json.decode(payload)["data"]["error"]["type"] == "E"


@given(st.text() | st.integers() | st.none() | st.binary())
def test_any_name_is_made_acceptable(value: object) -> None:
    text = name(value)
    assert 1 <= len(text) <= 200
    assert "\0" not in text


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_any_arguments_give_a_valid_fact(args: object) -> None:
    assert encoded({"args": args})["id"] == "id"


def test_rude_arguments_never_reach_the_application(scope: taskscope.Scope, reader: Reader) -> None:
    with scope.run(Rude(), task_id=Rude(), queue=Rude(), attempt=Rude(), timeout=Rude(), args=Rude()):  # type: ignore[arg-type]
        pass
    scope.submitted("job", eta=Rude(), idempotency_key=Rude(), args=Rude())  # type: ignore[arg-type]
    assert [fact["type"] for fact in reader.tasks()] == ["task.started", "task.succeeded", "task.submitted"]
    assert scope.dropped == 0
