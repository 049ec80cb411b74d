"""Wrapping a function so that each of its calls is a run.

The run of a generator spans from its first step to its end: exhausted, closed, thrown out of or thrown away. One that
is never asked for anything has no run. A wrapper is of the same kind as what it wraps, so that frameworks that ask
(`inspect.isgeneratorfunction` and its like) see no difference.
"""

import functools
import inspect
import logging
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar, cast

from taskscope.sdk.nesting import Inside
from taskscope.sdk.run import Run

Function = TypeVar("Function", bound=Callable[..., Any])
Begin = Callable[[Sequence[Any], Mapping[str, Any]], Run]
_log = logging.getLogger("taskscope")


def wrap(function: Function, begin: Begin) -> Function:
    """Give a function of the same signature whose calls are runs.

    Functions, coroutine functions, generators of both kinds, methods, `functools.partial` and objects with `__call__`
    are wrapped. A class is given back as it is, with a warning in the log, and so is what can't be called.

    Parameters
    ----------
    function
        What to wrap.
    begin
        Makes the run of one call, from its arguments.
    """
    if isinstance(function, staticmethod | classmethod):
        return cast("Function", type(function)(wrap(function.__func__, begin)))
    if not callable(function) or isinstance(function, type):
        _log.warning("taskscope can't record %r: only functions and objects that can be called are tasks", function)
        return function
    kind = body(function)
    if inspect.iscoroutinefunction(kind):
        wrapper = _coroutine(function, begin)
    elif inspect.isgeneratorfunction(kind):
        wrapper = _generator(function, begin)
    elif inspect.isasyncgenfunction(kind):
        wrapper = _async_generator(function, begin)
    else:
        wrapper = _plain(function, begin)
    return cast("Function", functools.wraps(function)(wrapper))


def job_name(function: Any) -> str:
    """Name a function with its module, because two modules may hold functions of one name.

    A script's own functions go by their qualified name alone: its module is called `__main__` wherever it is run.
    """
    function = _unwrapped(function)
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    module = getattr(function, "__module__", None)
    return name if module in {None, "__main__"} else f"{module}.{name}"


def body(function: Any) -> Any:
    """Give the function that a call really runs: of a partial the inner one, of an object its `__call__`."""
    function = _unwrapped(function)
    return function if inspect.isroutine(function) else type(function).__call__


def _unwrapped(function: Any) -> Any:
    while isinstance(function, functools.partial | staticmethod | classmethod):
        function = function.func if isinstance(function, functools.partial) else function.__func__
    return function


def _plain(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    def recorded(*args: Any, **kwargs: Any) -> Any:
        with begin(args, kwargs):
            return function(*args, **kwargs)

    return recorded


def _coroutine(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def recorded(*args: Any, **kwargs: Any) -> Any:
        with begin(args, kwargs):
            return await function(*args, **kwargs)

    return recorded


def _generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    def recorded(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with begin(args, kwargs) as run:
            inside = Inside(run)
            steps = function(*args, **kwargs)
            resume, given = cast("Callable[[Any], Any]", steps.send), None
            while True:
                try:
                    with inside:
                        made = resume(given)
                except StopIteration as end:
                    return end.value
                try:
                    given = yield made
                except GeneratorExit as closing:
                    with inside:
                        result = steps.close()  # a value from Python 3.13 on
                    run.__exit__(GeneratorExit, closing, None)
                    return result
                except BaseException as error:  # noqa: BLE001 - whatever is thrown in goes to the generator
                    resume, given = steps.throw, cast("Any", error)
                else:
                    resume = steps.send

    return recorded


def _async_generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def recorded(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with begin(args, kwargs) as run:
            inside = Inside(run)
            steps = function(*args, **kwargs)
            resume, given = _unhooked(steps.asend), None
            while True:
                try:
                    with inside:
                        made = await resume(given)
                except StopAsyncIteration:
                    return
                try:
                    given = yield made
                except GeneratorExit:
                    with inside:
                        await steps.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - whatever is thrown in goes to the generator
                    resume, given = steps.athrow, error
                else:
                    resume = steps.asend

    return recorded


def _unhooked(send: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Have a generator's first step hide it from the event loop, which closes at its end all that it saw begin.

    The wrapper closes it. Were the loop to do so too, at the same moment, one of them would fail: "already running".
    """

    def first(given: Any) -> Any:
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, None)
        try:
            return send(given)
        finally:
            sys.set_asyncgen_hooks(*hooks)

    return first
