"""Putting the two sides together: whatever differs is named."""

import pytest

from taskscope.demo.comparison import compare, table, verdict
from taskscope.demo.tally import Bounds

ACCOUNT = {"runs": Bounds(3, 3), "lost": Bounds(0, 0), "busy, ms": Bounds(10.5, 10.75)}
SHOWN: dict[str, float] = {"runs": 3, "lost": 0, "busy, ms": 10.6}


def test_equal_figures_are_equal() -> None:
    rows = compare(ACCOUNT, SHOWN)
    assert all(row.equal for row in rows)
    assert verdict(rows) == "equal: all 3 figures"


@pytest.mark.parametrize("name", ACCOUNT)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_changed_figure_is_named(name: str, change: int) -> None:
    rows = compare(ACCOUNT, SHOWN | {name: SHOWN[name] + change})
    assert [row.name for row in rows if not row.equal] == [name]
    assert verdict(rows) == f"1 of 3 figures differ: {name}"
    assert [line.endswith("✗") for line in table(rows)] == [False, *(known == name for known in ACCOUNT)]


def test_a_figure_of_one_side_alone_is_a_difference() -> None:
    missing = compare(ACCOUNT, {name: value for name, value in SHOWN.items() if name != "lost"})
    unknown = compare(ACCOUNT, SHOWN | {"worker-9: runs": 1})
    assert verdict(missing) == "1 of 3 figures differ: lost"
    assert verdict(unknown) == "1 of 4 figures differ: worker-9: runs"


def test_the_table_shows_counts_and_bounds() -> None:
    rows = compare({"runs": Bounds(1234, 1234), "busy, ms": Bounds(1000, 1000.5)}, {"runs": 1234, "busy, ms": 1000.25})
    assert [line.split() for line in table(rows)] == [
        ["figure", "account", "Taskscope"],
        ["runs", "1,234", "1,234", "✓"],
        ["busy,", "ms", "1,000.000", "..", "1,000.500", "1,000.250", "✓"],
    ]
