"""What holds for all tests: none ships to a server of whoever runs them; those of `any_store` run on every store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from taskscope.store.sqlite import SqliteStore
from tests import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from taskscope.ports import Store

os.environ.pop("TASKSCOPE_URL", None)


@pytest.fixture(scope="session")
def postgres_database() -> Iterator[str]:
    """Give the URL of a database of this test run."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def schemas(postgres_database: str) -> Iterator[postgres.Schemas]:
    """Give schemas for one test."""
    made = postgres.Schemas(postgres_database)
    yield made
    made.drop()


@pytest.fixture(params=["sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Give what opens a store by name: the same name, the same store."""
    if request.param == "postgres":
        yield request.getfixturevalue("schemas").open
        return
    opened: list[SqliteStore] = []

    def file(name: str) -> SqliteStore:
        opened.append(SqliteStore(tmp_path / f"{name}.db"))
        return opened[-1]

    yield file
    for store in opened:
        store.close()


@pytest.fixture
def any_store(open_store: Callable[[str], Any]) -> Store:
    """Give an empty store."""
    store: Store = open_store("store")
    return store
