"""Nothing that goes wrong in an integration reaches the library: it is logged, and the library goes on."""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_log = logging.getLogger("taskscope")
_failures = 0


def guarded(function: Callable[P, R]) -> Callable[P, R | None]:
    """Give the same function, which gives None where it would raise."""

    @functools.wraps(function)
    def without_errors(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception:  # noqa: BLE001 - a library of another version may hold anything
            _tell(function.__qualname__)
            return None

    return without_errors


def _tell(where: str) -> None:
    global _failures  # noqa: PLW0603 - one count for the process, so that a failing handler does not fill its log
    _failures += 1
    if _failures & (_failures - 1) == 0:  # at 1, 2, 4, 8 ...
        _log.warning("taskscope could not record something (%s, %d so far)", where, _failures, exc_info=True)
