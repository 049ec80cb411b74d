"""Sub-interpreters, in which recording is refused.

A daemon thread that outlives its sub-interpreter aborts the whole process, and hooks of a fork are called in the
interpreter that forks alone. An application would pay for that, so nothing is recorded there, and the log says so.
"""

import importlib


def in_main() -> bool:
    """Tell whether this is the main interpreter of the process; True where Python can't say."""
    for name in ("_interpreters", "_xxsubinterpreters"):  # of Python 3.13 and later, and before
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return bool(module.get_current() == module.get_main())
    return True
