"""The demonstration: a real workload, an account of it that the tasks keep themselves, and both sides compared.

Its processes use Taskscope as any application does, by `import taskscope`. Beside that each task writes to plain files
when it begins and when it ends. At the end the figures that follow from these files must be the figures that Taskscope
shows: `make demo` fails when they are not.
"""

import contextlib
import json
import sys
from pathlib import Path

__all__ = ["main"]


def main(seconds: float | None = None, home: Path | str | None = None, *, as_json: bool = False) -> int:
    """Run the demonstration and give its exit code: 0 when account, Taskscope and `verify` agree, else 1.

    Parameters
    ----------
    seconds
        How long tasks are made; None until Ctrl-C.
    home
        An empty or missing folder that becomes its home; a new one for temporary files when absent.
    as_json
        Write the result as one JSON document; what happens meanwhile goes to standard error.

    Raises
    ------
    UsageError
        The home holds something already, or `seconds` is not above zero.
    """
    # The workers import this package too, and have no use for stores and statistics.
    from taskscope.demo.scenario import play  # noqa: PLC0415

    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
        result = play(seconds, None if home is None else Path(home))
    if as_json:
        sys.stdout.write(json.dumps(result.document) + "\n")
    return result.code
