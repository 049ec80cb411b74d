"""Everything that this store can be asked."""

from __future__ import annotations

from taskscope.store.postgres.failures import PostgresFailures
from taskscope.store.postgres.history import PostgresHistory


class PostgresReading(PostgresFailures, PostgresHistory):
    """One consistent view."""
