"""Everything that this store can be asked."""

from __future__ import annotations

from taskscope.store.sqlite.failures import SqliteFailures
from taskscope.store.sqlite.history import SqliteHistory


class SqliteReading(SqliteFailures, SqliteHistory):
    """One consistent view."""
