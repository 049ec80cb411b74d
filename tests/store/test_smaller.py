"""Of two ways to an answer the smaller one is found by counting hardly more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskscope.store.smaller import is_smaller

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(0, 10**9, True), (10**9, 0, False), (5_000, 10**9, True), (10**9, 5_000, False), (10**6, 10**8, True)],
)
def test_the_smaller_is_found_without_counting_the_larger(one: int, other: int, *, expected: bool) -> None:
    looked_at = 0

    def counted(rows: int) -> Callable[[int], int]:
        def count(limit: int) -> int:
            nonlocal looked_at
            looked_at += min(rows, limit)
            return min(rows, limit)

        return count

    assert is_smaller(counted(one), counted(other)) is expected
    assert looked_at <= 20 * max(min(one, other), 1000)
