"""Run every measurement, or those that are named, and print one JSON document."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import celery_tasks, ingest, questions, recording, stream

TASKS = int(os.environ.get("TASKSCOPE_BENCH_TASKS", "340000"))
FACTS = int(os.environ.get("TASKSCOPE_BENCH_FACTS", "2000"))
ASKED = int(os.environ.get("TASKSCOPE_BENCH_ASKED", "340000"))
CELERY_TASKS = int(os.environ.get("TASKSCOPE_BENCH_CELERY_TASKS", "20000"))
RECORDS = int(os.environ.get("TASKSCOPE_BENCH_RECORDS", "1000000"))


def main() -> None:
    """Measure, and say how busy the machine was before."""
    unknown = set(sys.argv[1:]) - MEASUREMENTS.keys()
    if unknown:
        sys.exit(f"There is no measurement {', '.join(sorted(unknown))}. There are: {', '.join(MEASUREMENTS)}")
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
        "cores": os.cpu_count(),
        "load_before": _load(),
    }
    for name in sys.argv[1:] or MEASUREMENTS:
        found[name] = MEASUREMENTS[name]()
    sys.stdout.write(json.dumps(found | {"load_after": _load()}, indent=2) + "\n")


def _ingest() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return ingest.measure(Path(folder), TASKS)


def _questions() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return questions.measure(Path(folder), ASKED)


def _recording() -> dict[str, Any]:
    return recording.measure(RECORDS)


def _stream() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return stream.measure(Path(folder), FACTS)


def _celery() -> dict[str, Any]:
    return celery_tasks.measure(CELERY_TASKS)


def _load() -> list[float]:
    """Tell how many processes wanted to run, on average of 1, 5 and 15 minutes; compare it with the cores."""
    return [round(one, 2) for one in os.getloadavg()]


MEASUREMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "recording": _recording,
    "celery": _celery,
    "ingest": _ingest,
    "questions": _questions,
    "stream": _stream,
}


if __name__ == "__main__":
    main()
