"""One store of each kind that has been told the story; tests only read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taskscope.store.sqlite import SqliteStore
from tests.postgres import Schemas
from tests.stats.story import fill

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def storied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a store that knows the story."""
    if request.param == "postgres":
        schemas = Schemas(request.getfixturevalue("postgres_database"))
        store: Any = schemas.open("storied")
    else:
        store = SqliteStore(tmp_path_factory.mktemp("story") / "store.db")
    fill(store)
    yield store
    store.close()
    if request.param == "postgres":
        schemas.drop()
