"""Which of two ways to an answer has less to look at, found without looking through the longer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST = 1000
_GROWTH = 8


def is_smaller(one: Callable[[int], int], other: Callable[[int], int]) -> bool:
    """Tell whether the first way has fewer rows than the second.

    Each counts its rows up to a limit. The limit grows until one of them stays below it, so that the work is that of
    the smaller one, whatever the other holds. Where both stay below the same limit, the first is as good as the second.
    """
    limit = _FIRST
    while True:
        if one(limit) < limit:
            return True
        if other(limit) < limit:
            return False
        limit *= _GROWTH
