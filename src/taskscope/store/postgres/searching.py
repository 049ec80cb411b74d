"""Conditions of a search, as SQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from taskscope.store.postgres.queries import statements
from taskscope.store.rows import like

if TYPE_CHECKING:
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
                clause += f" AND {column} = ANY(%s::text[])"
                values.append(list(wanted))
        clause += ")"
    for column, wanted in (("state", where.states), ("outcome", where.outcomes)):
        if wanted is not None:
            clause += f" AND r.{column} = ANY(%s::text[])"
            values.append(list(wanted))
    return clause, tuple(values)


def searched(search: Search, *, labels: bool = True) -> Clause:
    """Restrict runs to what a search asks beyond its filter."""
    clause = ""
    values: list[Any] = []
    if search.text is not None:
        # In the collation C, only ASCII letters have a case, as in every store.
        clause += ' AND (r.error_message COLLATE "C" ILIKE %s OR r.error_type COLLATE "C" ILIKE %s)'
        values += [like(search.text)] * 2
    if search.fingerprints is not None:
        clause += " AND r.fingerprint = ANY(%s::text[])"
        values.append(list(search.fingerprints))
    for key, value in search.labels if labels else ():
        clause += f" AND {statements('history')['labelled']}"
        values.append(json.dumps({"labels": {key: value}}))
    return clause, tuple(values)
