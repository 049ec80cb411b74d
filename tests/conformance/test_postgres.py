"""The store of a team does what every store must do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskscope.testing import StoreConformance

if TYPE_CHECKING:
    from pathlib import Path

    from taskscope.store.postgres import PostgresStore
    from tests.postgres import Schemas


class TestPostgres(StoreConformance):
    """The suite, on one schema a test."""

    @pytest.fixture(autouse=True)
    def _schemas(self, schemas: Schemas) -> None:
        self.schemas = schemas

    def open(self, folder: Path) -> PostgresStore:
        """Open the schema that stands for this folder."""
        return self.schemas.open(folder.name[:60])
