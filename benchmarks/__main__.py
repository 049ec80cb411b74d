"""Run every measurement and print one JSON document."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
import tempfile
from pathlib import Path

from benchmarks import ingest

TASKS = int(os.environ.get("TASKSCOPE_BENCH_TASKS", "340000"))


def main() -> None:
    """Measure in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "cores": os.cpu_count(),
            "ingest": ingest.measure(Path(folder), TASKS),
        }
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
