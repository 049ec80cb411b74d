"""What a process grows by, in its resident memory: at the first fact, imports included, and after many."""

from __future__ import annotations

from typing import Any

from benchmarks.process import Missing, Process

SUBJECTS = ("taskscope_started", "taskscope_run", "prometheus", "prometheus_multiprocess", "opentelemetry_span")


def measure(calls: int) -> dict[str, Any]:
    """Give KiB, resident and private: of the interpreter before, and how much more after the first and last call."""
    return {"calls": calls, "unit": "KiB", "subjects": {name: _grown(name, calls) for name in SUBJECTS}}


def _grown(name: str, calls: int) -> dict[str, Any]:
    try:
        with Process(name) as process:
            before, first = process.hello["before"], process.hello["after_first"]
            after = process.ask(f"repeat {calls}")["after"]
    except Missing as missing:
        return {"missing": str(missing)}
    if before is None:
        return {"missing": "this system has no /proc/self/smaps_rollup"}
    return {
        "interpreter": before,
        "grown_by_first_call": {kind: first[kind] - before[kind] for kind in before},
        "grown_by_all_calls": {kind: after[kind] - before[kind] for kind in before},
    }
