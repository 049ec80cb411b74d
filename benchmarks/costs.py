"""What one call costs. All subjects take turns in short rounds, so that a disturbance of the machine hits all alike."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from typing import Any

from benchmarks.process import Missing, Process
from benchmarks.subjects import SUBJECTS

ROUNDS = 20
WARM_UP = 2_000
RATIOS = (
    ("taskscope_started", "os_write_200"),
    ("taskscope_started", "prometheus"),
    ("taskscope_started", "prometheus_multiprocess"),
    ("taskscope_started", "prometheus_multiprocess_bound"),
    ("taskscope_started", "queue_and_thread"),
    ("taskscope_run", "opentelemetry_span"),
    ("taskscope_task", "opentelemetry_span"),
)


def measure(calls: int) -> dict[str, Any]:
    """Make `calls` calls of each subject.

    Returns
    -------
    For each subject its microseconds a call (median, least and greatest of the rounds, and all rounds) and of CPU,
    and how many of its calls were kept; the ratios, each the median of the ratios within a round.
    """
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        taking_part = {}
        for name in SUBJECTS:
            try:
                taking_part[name] = stack.enter_context(Process(name))
            except Missing as missing:
                found[name] = {"missing": str(missing)}
        times = _rounds(taking_part, max(1, calls // ROUNDS))
    for name, (wall_us, cpu_us, kept) in times.items():
        found[name] = _summary(wall_us) | {"cpu_us_per_call": round(statistics.median(cpu_us), 3), **kept}
    return {
        "calls": max(1, calls // ROUNDS) * ROUNDS,
        "subjects": {name: found[name] for name in SUBJECTS},
        "ratios": {
            f"{ours} / {other}": _ratio(times[ours][0], times[other][0]) for ours, other in RATIOS if other in times
        },
    }


def _rounds(processes: dict[str, Process], calls: int) -> dict[str, tuple[list[float], list[float], dict[str, int]]]:
    times: dict[str, tuple[list[float], list[float], dict[str, int]]] = {name: ([], [], {}) for name in processes}
    order = list(processes)
    for name, process in processes.items():
        process.ask(f"repeat {WARM_UP}")
        _kept(name, process)
    for turn in range(ROUNDS):
        # Each begins a round once in a while, and follows upon another one each time.
        for name in order[turn % len(order) :] + order[: turn % len(order)]:
            answer = processes[name].ask(f"repeat {calls}")
            wall_us, cpu_us, kept = times[name]
            wall_us.append(answer["wall_s"] / calls * 1e6)
            cpu_us.append(answer["cpu_s"] / calls * 1e6)
            if SUBJECTS[name].grows:
                kept["kept"] = kept.get("kept", 0) + _kept(name, processes[name])
    return times


def _kept(name: str, process: Process) -> int:
    return len(list(SUBJECTS[name].take(str(process.folder)))) if SUBJECTS[name].grows else 0


def _summary(us: list[float]) -> dict[str, Any]:
    return {
        "us_per_call": round(statistics.median(us), 3),
        "least_us": round(min(us), 3),
        "greatest_us": round(max(us), 3),
        "rounds_us": [round(one, 3) for one in us],
    }


def _ratio(ours: list[float], others: list[float]) -> float:
    return round(statistics.median(our / other for our, other in zip(ours, others, strict=True)), 3)
