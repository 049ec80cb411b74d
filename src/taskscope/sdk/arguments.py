"""Which arguments of a call are recorded.

None but scalars of parameters named `id` or `*_id`, unless the task says otherwise: what a function is called with may
be anybody's data. Nothing is looked up at a call that records none.
"""

import inspect
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from taskscope.sdk.fact import text

Capture = Callable[[Sequence[Any], Mapping[str, Any]], dict[str, Any] | None]
Wanted = bool | Collection[str] | None
"""All arguments, none, those of some parameters, or (None) the ids among them."""

_log = logging.getLogger("taskscope")
_OWNER = frozenset({"self", "cls"})


_Place = tuple[str, int | None, bool]
"""Where the argument of a parameter is found: its name, its position, and whether it takes all that is left."""


def capture(function: Callable[..., Any], wanted: Wanted) -> Capture | None:
    """Give what finds the arguments to record among those of a call; None when there is nothing to find.

    Parameters
    ----------
    function
        What is called.
    wanted
        Which arguments. A name that is no parameter is warned of.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some functions written in C have none
        return None
    places = [_place(parameter, position) for position, parameter in enumerate(parameters)]
    if wanted is None:
        places = [place for place in places if not place[2] and (place[0] == "id" or place[0].endswith("_id"))]
        return _finder(places, parameters, only_scalars=True) if places else None
    if not isinstance(wanted, bool):
        names = {wanted} if isinstance(wanted, str) else set(map(text, wanted))
        unknown = names - {place[0] for place in places}
        if unknown:
            _log.warning("taskscope can't record %s of %r: no such parameters", sorted(unknown), function)
        places = [place for place in places if place[0] in names]
    elif wanted:
        places = places[1:] if places and places[0][0] in _OWNER else places
    else:
        places = []
    return _finder(places, parameters, only_scalars=False) if places else None


def _place(parameter: inspect.Parameter, position: int) -> _Place:
    by_name = parameter.kind in {parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD}
    rest = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    return parameter.name, None if by_name else position, rest


def _finder(places: list[_Place], parameters: list[inspect.Parameter], *, only_scalars: bool) -> Capture:
    known = {parameter.name for parameter in parameters}

    def find(args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        found: dict[str, Any] = {}
        for name, position, rest in places:
            if rest:
                others = {key: value for key, value in kwargs.items() if key not in known}
                found[name] = others if position is None else list(args[position:])
            elif name in kwargs:
                found[name] = kwargs[name]
            elif position is not None and position < len(args):
                found[name] = args[position]
        if only_scalars:
            found = {name: value for name, value in found.items() if _scalar(value)}
        return found or None

    return find


def _scalar(value: object) -> bool:
    return isinstance(value, str | int | float) or type(value).__qualname__ == "UUID"
