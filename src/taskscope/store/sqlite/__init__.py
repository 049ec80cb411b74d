"""The embedded store: one SQLite file in the home folder."""

from taskscope.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
