"""Whether this interpreter can record: the main one of its process can, a sub-interpreter can't.

A segment, its lock and its ids belong to a process. In a sub-interpreter there would be a second writer for them, whose
threads and forks Python restricts, and whose exit it does not announce.
"""

import functools
import importlib
from typing import Any

_REFUSAL = (
    "this is a sub-interpreter, and only the main interpreter of a process can record; "
    "under mod_wsgi, set WSGIApplicationGroup %{GLOBAL}"
)


@functools.cache
def refusal() -> str | None:
    """Say why this interpreter can't record; None when it can."""
    for name in ("_interpreters", "_xxsubinterpreters"):  # from Python 3.13 on, and before
        try:
            module = importlib.import_module(name)
            return None if _number(module.get_current()) == _number(module.get_main()) else _REFUSAL
        except (ImportError, AttributeError, RuntimeError):
            continue
    return None  # a Python without them has no sub-interpreters that could be asked about


def _number(found: Any) -> int:
    # Python 3.13 gives a pair, whose first is the number.
    return int(found[0] if isinstance(found, tuple) else found)
