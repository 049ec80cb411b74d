"""SQL lies in files; each statement follows a line `-- name: ...`, and migrations are numbered scripts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_MARK = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def parts(file: Traversable) -> dict[str, str]:
    """Read the named statements of a file."""
    found = _MARK.split(file.read_text(encoding="utf-8"))[1:]
    return {name: _body(sql) for name, sql in zip(found[::2], found[1::2], strict=True)}


def _body(sql: str) -> str:
    lines = [line for line in sql.splitlines() if not line.startswith("--")]
    return "\n".join(lines).strip().rstrip(";")


def scripts(folder: Traversable) -> list[str]:
    """Read the scripts of a folder in the order of their numbers."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text(encoding="utf-8") for name in names]
