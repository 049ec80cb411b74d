"""What the tests of the SDK share: a home, a reader of what was recorded, and children that are real processes."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import taskscope
from tests.sdk.processes import DEADLINE_S, Child, Reader, Start, Wait


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def reader(home: Path) -> Reader:
    return Reader(home)


@pytest.fixture
def scope(home: Path) -> Iterator[taskscope.Scope]:
    scope = taskscope.connect("shop", home=home, worker="w-1")
    yield scope
    scope.close()


@pytest.fixture
def child(home: Path) -> Iterator[Start]:
    children: list[Child] = []

    def start(script: str, *arguments: str) -> Child:
        children.append(Child(home, script, *arguments))
        return children[-1]

    yield start
    for one in children:
        one.close()


@pytest.fixture
def eventually() -> Wait:
    """Wait until a condition holds, and fail when it does not within the deadline."""

    def wait(condition: Callable[[], object]) -> None:
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, "the condition did not come true in time"
            time.sleep(0.001)

    return wait
