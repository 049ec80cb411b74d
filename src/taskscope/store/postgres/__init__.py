"""The store of a team: one PostgreSQL database, any number of servers."""

from taskscope.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
