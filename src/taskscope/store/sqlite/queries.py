"""SQL lives in files; each statement follows a line `-- name: ...`."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_MARK = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def statements(file: str) -> dict[str, str]:
    """Read the named statements of one file in the folder `sql`."""
    text = (files(__package__) / "sql" / f"{file}.sql").read_text(encoding="utf-8")
    parts = _MARK.split(text)[1:]
    return {name: _body(sql) for name, sql in zip(parts[::2], parts[1::2], strict=True)}


def _body(sql: str) -> str:
    lines = [line for line in sql.splitlines() if not line.startswith("--")]
    return "\n".join(lines).strip().rstrip(";")


@cache
def migrations() -> list[str]:
    """Read the scripts that lead from an empty file to the present schema, in order."""
    folder = files(__package__) / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text(encoding="utf-8") for name in names]
