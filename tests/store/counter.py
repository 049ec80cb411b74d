"""A process that writes numbered facts into a store, ten at once, until somebody ends it."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from taskscope import ingest
from taskscope.core.clock import DAY
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import START, fact


def main(path: str, name: str) -> None:
    """Write under a name."""
    store = SqliteStore(Path(path))
    for batch in count():
        numbers = range(batch * 10, batch * 10 + 10)
        facts = [fact("task.submitted", n / 1000, id=f"{name}-{n}", task=f"{name}-{n}", job=name) for n in numbers]
        ingest.accept(store, facts, START + DAY)
        sys.stdout.write("batch\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
