"""Facts for the tests: lines as a sender writes them."""

import json
from collections.abc import Iterable
from typing import Any

NINE = "2026-01-08T09:00:00Z"


def at(second: float) -> int:
    """Give epoch milliseconds of so many seconds after 2026-01-08 09:00 UTC."""
    return 1_767_862_800_000 + round(second * 1000)


def event(kind: str, task: str, second: float, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "task": task, "time": at(second), "id": f"{kind}-{task}-{second}", **fields}


def finished(task: str, start: float, end: float, outcome: str = "succeeded", **fields: Any) -> list[dict[str, Any]]:
    """Give the facts of a run that was submitted a second before its start."""
    return [
        event("task.submitted", task, start - 1, **{k: v for k, v in fields.items() if k != "worker"}),
        event("task.started", task, start, run=f"run-{task}", **fields),
        event(f"task.{outcome}", task, end, run=f"run-{task}", duration_ms=1000 * (end - start), **fields),
    ]


def ndjson(events: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in events)
