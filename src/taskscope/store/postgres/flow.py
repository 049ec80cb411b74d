"""How things flow now, asked of the database; see `taskscope.store.flow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.store.flow import FlowQuestions
from taskscope.store.postgres.queries import statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskscope.store.postgres.connection import Connection


class PostgresFlow(FlowQuestions):
    """Lists are given to SQL as arrays."""

    _connection: Connection

    def _flow(self, name: str, /, **values: Any) -> Iterable[tuple[Any, ...]]:
        return self._connection.execute(statements("flow")[name], values, binary=True).fetchall()
