"""How things flow now, asked of the file; see `taskscope.store.flow`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from taskscope.store.flow import FlowQuestions
from taskscope.store.sqlite.queries import statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable


class SqliteFlow(FlowQuestions):
    """Lists are given to SQL as JSON arrays: SQLite has none of its own."""

    _connection: sqlite3.Connection

    def _flow(self, name: str, /, **values: Any) -> Iterable[tuple[Any, ...]]:
        given = {key: json.dumps(value) if isinstance(value, list) else value for key, value in values.items()}
        return self._connection.execute(statements("flow")[name], given)
