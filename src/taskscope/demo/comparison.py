"""The account beside Taskscope's figures."""

from collections.abc import Mapping
from typing import NamedTuple

from taskscope.demo.tally import Bounds


class Row(NamedTuple):
    """One figure from both sides; None where a side does not have it."""

    name: str
    account: Bounds | None
    taskscope: float | None

    @property
    def equal(self) -> bool:
        """Whether Taskscope's figure is what the account says: the same count, or a time within its two readings."""
        if self.account is None or self.taskscope is None:
            return False
        return self.account.low <= self.taskscope <= self.account.high


def compare(account: Mapping[str, Bounds], taskscope: Mapping[str, float]) -> list[Row]:
    """Put both sides together; a figure that only one of them has is a difference."""
    names = [*account, *(name for name in taskscope if name not in account)]
    return [Row(name, account.get(name), taskscope.get(name)) for name in names]


def table(rows: list[Row]) -> list[str]:
    """Write the comparison as lines of text."""
    cells = [("figure", "account", "Taskscope", "")]
    cells += [(row.name, _bounds(row.account), _number(row.taskscope), "✓" if row.equal else "✗") for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    return [
        f"  {name:<{widths[0]}}  {account:>{widths[1]}}  {shown:>{widths[2]}}  {mark}".rstrip()
        for name, account, shown, mark in cells
    ]


def verdict(rows: list[Row]) -> str:
    """Say in one line whether all is equal, and name what is not."""
    differing = [row.name for row in rows if not row.equal]
    if differing:
        return f"{len(differing)} of {len(rows)} figures differ: {'; '.join(differing)}"
    return f"equal: all {len(rows)} figures"


def _bounds(bounds: Bounds | None) -> str:
    if bounds is None:
        return "-"
    if bounds.low == bounds.high:
        return _number(bounds.low)
    return f"{bounds.low:,.3f} .. {bounds.high:,.3f}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"
