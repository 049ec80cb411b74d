"""Conditions of a search, as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.store.rows import like
from taskscope.store.sqlite.queries import statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.ports import Filter, Search

Clause = tuple[str, tuple[Any, ...]]


def filtered(where: Filter) -> Clause:
    """Restrict runs to a filter."""
    clause, values = "", []
    for kind, names in (("job", where.jobs), ("queue", where.queues), ("worker", where.workers)):
        services = where.services if kind == "job" else None
        if names is None and services is None:
            continue
        clause += f" AND r.{kind} IN (SELECT id FROM name WHERE kind = '{kind}'"
        for column, wanted in (("name", names), ("service", services)):
            if wanted is not None:
                clause += f" AND {column} IN ({_marks(wanted)})"
                values += list(wanted)
        clause += ")"
    for column, wanted in (("state", where.states), ("outcome", where.outcomes)):
        if wanted is not None:
            clause += f" AND r.{column} IN ({_marks(wanted)})"
            values += list(wanted)
    return clause, tuple(values)


def searched(search: Search, *, labels: bool = True) -> Clause:
    """Restrict runs to what a search asks beyond its filter."""
    clause, values = "", []
    if search.text is not None:
        # LIKE takes ASCII letters in any case, as every store does.
        clause += r" AND (r.error_message LIKE ? ESCAPE '\' OR r.error_type LIKE ? ESCAPE '\')"
        values += [like(search.text)] * 2
    if search.fingerprints is not None:
        clause += f" AND r.fingerprint IN ({_marks(search.fingerprints)})"
        values += list(search.fingerprints)
    for label in search.labels if labels else ():
        clause += f" AND {statements('history')['labelled']}"
        values += list(label)
    return clause, tuple(values)


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))
