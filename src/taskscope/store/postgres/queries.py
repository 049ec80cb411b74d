"""The SQL of this store: it lies in files, as that of every store does."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from taskscope.store.sql_files import parts, scripts


@cache
def statements(file: str) -> dict[str, str]:
    """Read the named statements of one file in the folder `sql`."""
    return parts(files(__package__) / "sql" / f"{file}.sql")


@cache
def migrations() -> list[str]:
    """Read the scripts that lead from an empty schema to the present one, in order."""
    return scripts(files(__package__) / "migrations")
