"""A gap says that facts are missing: its form is checked, and it changes nothing that is shown."""

from typing import Any

import pytest

from taskscope.core.clock import to_text
from taskscope.core.normalise import convert_event
from taskscope.errors import InputError

GAP: dict[str, Any] = {
    "type": "spool.gap",
    "time": "2026-01-08T09:00:00Z",
    "service": "shop",
    "data": {
        "dropped": 3,
        "class": "task",
        "since": "2026-01-08T09:58:00+01:00",
        "until": "2026-01-08T08:59:30.5Z",
        "reason": "disk full",
    },
}


def test_a_gap_is_a_fact_without_a_task_and_its_instants_get_one_form() -> None:
    event, _ = convert_event(GAP)
    assert (event.task, event.worker, event.data["dropped"]) == (None, None, 3)
    assert event.data["since"] == to_text(event.time - 120_000_000)
    assert event.data["until"] == to_text(event.time - 29_500_000)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dropped", None),
        ("dropped", 0),
        ("dropped", 1.5),
        ("dropped", True),
        ("class", "worker"),
        ("class", 1),
        ("since", "yesterday"),
        ("until", "2026-01-08T09:00:00"),
        ("reason", ["disk", "full"]),
    ],
)
def test_a_gap_that_says_what_it_can_not_mean_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(InputError) as refused:
        convert_event(GAP | {"data": GAP["data"] | {key: value}})
    assert refused.value.field == f"data.{key}"


def test_a_gap_that_does_not_say_how_much_is_missing_is_refused() -> None:
    with pytest.raises(InputError, match=r"data\.dropped"):
        convert_event(GAP | {"data": None})
