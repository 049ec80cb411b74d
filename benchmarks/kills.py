"""What is lost when a process is killed by SIGKILL while it records.

The account is independent of what is measured: a number in memory that the process shares with this one, increased
after each call has returned. Whatever it names must be found afterwards.
"""

from __future__ import annotations

import random
import statistics
import time
from typing import Any

from benchmarks.process import Missing, Process
from benchmarks.subjects import SUBJECTS

KILLS = 20
NAMES = ("os_write_200", "taskscope_started", "opentelemetry_span", "queue_and_thread", "prometheus_multiprocess")
PACES = {"as_fast_as_it_can": 0, "1000_a_second": 1000}
_LIFE_S = (0.2, 0.8)


def measure(kills: int = KILLS) -> dict[str, Any]:
    """Kill each subject so many times, at random moments, at each pace; they take turns."""
    return {"kills": kills, **{pace: _at_pace(per_s, kills) for pace, per_s in PACES.items()}}


def _at_pace(per_s: int, kills: int) -> dict[str, Any]:
    deaths: dict[str, list[dict[str, int]]] = {name: [] for name in NAMES}
    missing: dict[str, str] = {}
    for _ in range(kills):
        for name in NAMES:
            try:
                deaths[name].append(_death(name, per_s))
            except Missing as error:
                missing[name] = str(error)
    return {name: {"missing": missing[name]} if name in missing else _summary(deaths[name]) for name in NAMES}


def _death(name: str, per_s: int) -> dict[str, int]:
    """Let a process record, kill it, and compare its account with what is there."""
    with Process(name) as process:
        account = process.folder.parent / "account"
        account.write_bytes(bytes(8))
        process.tell(f"endless {account} {per_s}")
        time.sleep(random.uniform(*_LIFE_S))
        process.kill()
        accounted = int.from_bytes(account.read_bytes(), "little")
        kept = set(SUBJECTS[name].take(str(process.folder)))
    # One call may have been kept and not accounted for yet: it is in `kept` alone, and not asked for.
    lost = [number for number in range(1, accounted + 1) if number not in kept]
    newest = max(kept, default=0)
    return {"accounted": accounted, "lost": len(lost), "before_the_kill": sum(number < newest for number in lost)}


def _summary(deaths: list[dict[str, int]]) -> dict[str, Any]:
    accounted, lost = (sum(death[key] for death in deaths) for key in ("accounted", "lost"))
    return {
        "facts": accounted,
        "lost": lost,
        "lost_pct": round(100 * lost / accounted, 3),
        "lost_before_the_kill": sum(death["before_the_kill"] for death in deaths),
        "lost_per_kill": {
            "least": min(death["lost"] for death in deaths),
            "median": statistics.median(death["lost"] for death in deaths),
            "greatest": max(death["lost"] for death in deaths),
        },
    }
