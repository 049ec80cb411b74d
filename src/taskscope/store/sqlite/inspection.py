"""A look at a file from outside, which opens nothing for writing and migrates nothing: for a doctor."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from taskscope.errors import StoreError
from taskscope.ports import Inspection
from taskscope.store.sqlite.queries import migrations, statements

if TYPE_CHECKING:
    from pathlib import Path

_REFUSED = "refused."
_STEPS_BETWEEN_LOOKS = 10_000


def inspect(path: Path, since: int, patience_s: float) -> Inspection:
    """Look at a file.

    Parameters
    ----------
    since
        From when on skewed runs count.
    patience_s
        How long the search for damage may take.

    Raises
    ------
    StoreError
        It can't be read as a store.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            [schema] = connection.execute("PRAGMA user_version").fetchone()
            found = Inspection(schema, len(migrations()), _damage(connection, patience_s))
            if found.damage or schema != found.known_schema:
                return found
            sql = statements("inspection")
            row = connection.execute(sql["look"], {"since": since}).fetchone()
            mark, newest, received, skewed = (value or 0 for value in row)
            refused = {
                key.removeprefix(_REFUSED): count
                for key, count in connection.execute("SELECT key, value FROM meta")
                if key.startswith(_REFUSED)
            }
            return Inspection(*found[:3], mark, newest, received, skewed, refused)
    except sqlite3.Error as error:
        raise StoreError(f"{path} can't be read as a store: {error}") from error


def _damage(connection: sqlite3.Connection, patience_s: float) -> list[str] | None:
    until = time.monotonic() + patience_s
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_LOOKS)
    try:
        found = [text for (text,) in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        return None
    finally:
        connection.set_progress_handler(None, 0)
    return [] if found == ["ok"] else found
