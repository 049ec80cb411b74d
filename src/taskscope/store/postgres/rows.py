"""How values of the domain stand in columns, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.store import rows
from taskscope.store.postgres.arrays import array
from taskscope.store.rows import checksum, data_to_column, task_columns, task_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from taskscope.core.events import Event
    from taskscope.core.runs import Run
    from taskscope.store.rows import Triple

__all__ = ["checksum", "columns", "data_to_column", "event_from_row", "id_from_column", "id_to_column", "run_to_row"]
__all__ += ["task_columns", "task_key"]

_UUID_BYTES = 16


def id_to_column(name: str) -> bytes:
    """Write an event id: a canonical UUID as its 16 bytes, anything else as its text, which then has another length.

    A text of 16 bytes gets a NUL behind it, which no id holds.
    """
    column = rows.id_to_column(name)
    if isinstance(column, bytes):
        return column
    text = column.encode()
    return text + b"\0" if len(text) == _UUID_BYTES else text


def id_from_column(column: bytes) -> str:
    """Read what `id_to_column` wrote."""
    return rows.id_from_column(column if len(column) == _UUID_BYTES else column.removesuffix(b"\0").decode())


def event_from_row(row: Sequence[Any]) -> Event:
    """Read a fact; the columns are those of `events` in questions.sql."""
    return rows.event_from_row((id_from_column(row[0]), *row[1:]))


def run_to_row(task_id: int, run: Run, names: Triple, boot: int | None) -> tuple[Any, ...]:
    """Write a run; `names` are the numbers of its job, queue and worker."""
    row = list(rows.run_to_row(task_id, run, names, boot))
    row[_SKEWED], row[_INFERRED] = run.skewed, run.inferred
    return tuple(row)


_SKEWED, _INFERRED = 16, 18
RUN_TYPES = [
    *("int8", "int8", "text", "text", "int8", "int8", "int8", "int8", "int8", "text"),
    *("int8", "int8", "int8", "int8", "int8", "int8", "bool", "text", "bool"),
    *("text", "text", "text", "text", "float8", "int8", "int8", "int8", "text"),
]
EVENT_TYPES = [
    *("int8", "bytea", "int8", "int8", "int8", "text", "text", "int8", "int8", "int8"),
    *("text", "int8", "int8", "int8", "text", "int8", "text"),
]
TASK_TYPES = ["int8", "int8", "text", "text", "bytea", "text", "bool", "int8", "int8", "int8"]


def columns(lines: Iterable[Sequence[Any]]) -> list[Any]:
    """Turn rows into columns, as `unnest` takes them; there is at least one row."""
    return [array(column) for column in zip(*lines, strict=True)]
