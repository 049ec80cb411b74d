"""A look at a database that changes and migrates nothing: for a doctor."""

from __future__ import annotations

from taskscope.ports import Inspection
from taskscope.store.postgres.connection import alone, version_of
from taskscope.store.postgres.queries import migrations, statements


def inspect(info: str, since: int) -> Inspection | None:
    """Look at a store, None where there is none yet.

    Damage of files is the database's own affair; `taskscope verify` finds what else there may be.

    Parameters
    ----------
    since
        From when on skewed runs count.

    Raises
    ------
    StoreError
        There is no such database, or it refuses us.
    """
    with alone(info) as connection:
        schema = version_of(connection)
        if schema == 0:
            return None
        found = Inspection(schema, len(migrations()), [])
        if schema != found.known_schema:
            return found
        [row] = connection.execute(statements("inspection")["look"], {"since": since}).fetchall()
        refused = dict(connection.execute(statements("questions")["counters"]).fetchall())
        return Inspection._make((*found[:3], *row, refused))
