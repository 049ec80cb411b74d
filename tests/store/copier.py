"""A process that copies a store or restores two copies in turns, and says so after each: made to be killed."""

from __future__ import annotations

import sys
from pathlib import Path

from taskscope.store.sqlite import SqliteStore, copies


def told(done: int, total: int) -> None:
    """Show nothing."""


def main(what: str, live: str, first: str, second: str) -> None:
    """Go on until somebody ends it."""
    store = SqliteStore(Path(live))
    names = [Path(first), Path(second)]
    while True:
        if what == "backup":
            store.backup(names[0], told)
        else:
            copies.restore(names[0], Path(live), Path(live).with_name("before.db"), told)
            names.reverse()
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
