"""The embedded store does what every store must do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope.store.sqlite import SqliteStore
from taskscope.testing import StoreConformance

if TYPE_CHECKING:
    from pathlib import Path


class TestSqlite(StoreConformance):
    """The suite, on one file."""

    def open(self, folder: Path) -> SqliteStore:
        """Open the file in this folder."""
        return SqliteStore(folder / "store.db")
