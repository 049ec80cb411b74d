"""Answers for reading: small tables of text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> Table:
    """Make a table; columns of numbers stand at the right."""
    cells = [list(row) for row in rows]
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD if sys.stdout.isatty() else None)
    for position, column in enumerate(columns):
        numbers = any(isinstance(row[position], int | float) for row in cells)
        made.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in cells:
        made.add_row(*(Text(written(value)) for value in row))
    return made


def facts(pairs: Iterable[tuple[str, Any]]) -> Table:
    """Make a table of names and values."""
    made = Table(box=None, show_header=False)
    made.add_column()
    made.add_column()
    for name, value in pairs:
        made.add_row(Text(name), Text(written(value)))
    return made


def written(value: Any) -> str:
    """Write a value for reading. A name may hold what would move the cursor: that is shown, not sent."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def percent(ratio: float | None) -> str:
    """Write a ratio as percent."""
    return "-" if ratio is None else f"{100 * ratio:.2f} %"


def incomplete(gaps: dict[str, Any]) -> list[Text]:
    """Say that facts are missing, where they are."""
    dropped = gaps["task_facts"] + gaps["other_facts"]
    if not dropped:
        return []
    kinds = f"{written(gaps['task_facts'])} about tasks, {written(gaps['other_facts'])} others"
    line = f"INCOMPLETE: senders dropped {written(dropped)} facts ({kinds}) between {gaps['since']} and {gaps['until']}"
    return [Text(line, style="bold red")]


def plain(line: str) -> Text:
    """Make a line of text in which nothing is markup."""
    return Text(written(line))
