"""The facts that are measured with: tasks of three events, as applications send them."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_MS = 1_767_860_000_000


def lines(tasks: int, seed: int = 7, *, apart: bool = False) -> list[bytes]:
    """Make NDJSON of `tasks` tasks in order of arrival.

    Random UUIDs as task ids, 50 jobs, 200 workers, durations lognormal with a tail of hours, 2 % of the facts
    repeated, 1 % out of order. Half of the tasks are over within a second and a half; `apart` makes them wait and run
    for minutes, so that the three facts of a task come in different batches of 5,000.
    """
    chance = random.Random(seed)
    made = sorted(
        facts(chance, tasks, FIRST_MS, wait=(11.5, 1.0), run=(12.0, 1.5)) if apart else facts(chance, tasks, FIRST_MS)
    )
    arrived = [line for _, line in made]
    for position in chance.sample(range(len(arrived)), len(arrived) // 100):
        other = min(len(arrived) - 1, position + chance.randrange(20_000))
        arrived[position], arrived[other] = arrived[other], arrived[position]
    return arrived + chance.sample(arrived, len(arrived) // 50)


def facts(
    chance: random.Random,
    tasks: int,
    first_ms: float,
    spacing_ms: float = 20,
    *,
    wait: tuple[float, float] = (5, 1),
    run: tuple[float, float] = (7, 2),
) -> Iterator[tuple[float, bytes]]:
    """Make the facts of tasks that are submitted one after the other, with their times in milliseconds.

    `wait` and `run` are mean and deviation of the logarithms of what they take, milliseconds.
    """
    for number in range(tasks):
        submitted = first_ms + number * spacing_ms
        started = submitted + chance.lognormvariate(*wait)
        length = min(chance.lognormvariate(*run), 6 * 3_600_000)
        job = chance.randrange(50)
        names = {
            "task": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            "job": f"job-{job}",
            "queue": f"queue-{job % 5}",
        }
        ran = {**names, "worker": f"worker-{chance.randrange(200)}", "run": str(uuid.UUID(int=chance.getrandbits(128)))}
        yield _fact(chance, submitted, {"type": "task.submitted", **names})
        yield _fact(chance, started, {"type": "task.started", **ran})
        yield _fact(chance, started + length, {"type": "task.succeeded", "duration_ms": length, **ran})


def _fact(chance: random.Random, time_ms: float, fields: dict[str, object]) -> tuple[float, bytes]:
    """Give a fact a UUIDv7 of its own time."""
    number = bytearray(int(time_ms).to_bytes(6, "big") + chance.randbytes(10))
    number[6], number[8] = number[6] & 0x0F | 0x70, number[8] & 0x3F | 0x80
    return time_ms, msgspec.json.encode({"id": str(uuid.UUID(bytes=bytes(number))), "time": time_ms, **fields})
