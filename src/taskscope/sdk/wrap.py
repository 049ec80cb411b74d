"""Wrapping a function so that each of its calls is a run."""

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

from taskscope.sdk.run import Run

Function = TypeVar("Function", bound=Callable[..., Any])
_log = logging.getLogger("taskscope")


def wrap(function: Function, begin: Callable[[], Run]) -> Function:
    """Give a function of the same signature whose calls are runs.

    Only functions and coroutine functions can be wrapped. Anything else is given back as it is, with a warning in the
    log: a generator does its work after its call returned, and a wrapper around a class method binds wrongly.

    Parameters
    ----------
    function
        What to wrap.
    begin
        Makes the run of one call.
    """
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def recorded_async(*args: Any, **kwargs: Any) -> Any:
            async with begin():
                return await function(*args, **kwargs)

        return cast("Function", recorded_async)

    if not _plain(function):
        _log.warning("taskscope can't record %r: only functions and coroutine functions can be tasks", function)
        return function

    @functools.wraps(function)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        with begin():
            return function(*args, **kwargs)

    return cast("Function", recorded)


def job_name(function: Callable[..., Any]) -> str:
    """Name a function with its module, because two modules may hold functions of one name.

    A script's own functions go by their qualified name alone: its module is called `__main__` wherever it is run.
    """
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    module = getattr(function, "__module__", None)
    return name if module in {None, "__main__"} else f"{module}.{name}"


def _plain(function: object) -> bool:
    return (
        callable(function)
        and not isinstance(function, type | staticmethod | classmethod)
        and not inspect.isgeneratorfunction(function)
        and not inspect.isasyncgenfunction(function)
    )
