"""What importing costs at the start of a process, beside a Python that imports nothing."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from typing import Any

from benchmarks.process import environment

STARTS = 20
PROGRAMS = {
    "nothing": "pass",
    "taskscope": "import taskscope",
    "prometheus_client": "import prometheus_client",
    "opentelemetry": "import opentelemetry.sdk.trace.export",
}


def measure() -> dict[str, Any]:
    """Start each program in turn.

    Returns
    -------
    For each the median milliseconds of a whole process, of its CPU, and of wall time more than a bare `python -c pass`
    of the same round.
    """
    with tempfile.TemporaryDirectory() as folder:
        failures = {name: _start(program, folder)[2] for name, program in PROGRAMS.items()}  # writes bytecode, too
        names = [name for name, failure in failures.items() if not failure]
        rounds = [{name: _start(PROGRAMS[name], folder) for name in names} for _ in range(STARTS)]
    found: dict[str, Any] = {name: {"missing": failure} for name, failure in failures.items() if failure}
    for name in names:
        found[name] = {
            "command": f'python -c "{PROGRAMS[name]}"',
            "ms": _median(one[name][0] for one in rounds),
            "cpu_ms": _median(one[name][1] for one in rounds),
            "more_ms": _median(one[name][0] - one["nothing"][0] for one in rounds),
        }
    return {"starts": STARTS, "programs": {name: found[name] for name in PROGRAMS}}


def _start(program: str, folder: str) -> tuple[float, float, str]:
    """Give wall and CPU seconds of a process, and the last line of what went wrong."""
    cpu, wall = _children_cpu_s(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment(), stderr=subprocess.PIPE, check=False
    )
    wall = time.perf_counter() - wall
    failure = done.stderr.decode().strip().rpartition("\n")[2] if done.returncode else ""
    return wall, _children_cpu_s() - cpu, failure


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _median(seconds: Iterable[float]) -> float:
    return round(statistics.median(seconds) * 1000, 2)
