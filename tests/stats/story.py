"""Some hundred runs of all kinds, the same in each run of the tests, and what the oracle sees in them."""

from __future__ import annotations

import random
from functools import cache
from typing import Any, NamedTuple

from taskscope import ingest
from taskscope.core.clock import DAY, HOUR, MINUTE, SECOND, to_text
from taskscope.core.normalise import convert_event
from taskscope.ports import Store
from taskscope.testing import START, deliver
from tests.oracle import Oracle, Row

NOW = START + 3 * DAY
FAILURES = ("failed", "timed_out", "lost")
KINDS = (
    ("ValueError", "bad value {n} in 'row {n}'", None),
    ("ValueError", "no value in 'row {n}'", None),
    ("torch.OutOfMemoryError", "CUDA out of memory: 100% of {n}.5 GiB_used", None),
    ("OSError", "Ärger with {uuid}\\temp", None),
    ("KeyError", "key {n}", "f" * 16),
    ("TypeError", "another message {n}", "f" * 16),
    (None, None, None),
)
"""Errors as (type, message, fingerprint that the sender gives); the fifth and the sixth are one group."""
CATEGORIES = {"j0": "Art", "j1": "Art", "j2": "Words", "j3": None}


class Told(NamedTuple):
    """Facts, what the oracle sees in them, and the kind of error of each run that a fact says failed."""

    facts: list[Any]
    tasks: dict[tuple[str, str], Row]
    rows: list[Row]
    kinds: dict[tuple[str, str], int]

    def group(self, row: Row) -> Any:
        """Tell which group a failed run belongs to: runs of equal groups have equal fingerprints, and no others."""
        kind = self.kinds.get((row["task"], row["run"]))
        if row["inferred"] or kind is None:
            return row["outcome"]
        if kind == len(KINDS) - 1:
            return row["outcome"]
        return 4 if kind == 5 else kind

    def failed(self, start: int, end: int) -> list[Row]:
        """List the failed runs that finished in a window."""
        return [row for row in self.rows if row["outcome"] in FAILURES and start <= row["finish"] < end]


@cache
def told() -> Told:
    """Make the story."""
    rng = random.Random(7)
    wires: list[dict[str, Any]] = []
    kinds: dict[tuple[str, str], int] = {}
    for job, category in CATEGORIES.items():
        data = {"category": category, "owner": f"owner of {job}", "job_name": job.upper(), "schedule": "* * * * *"}
        fact = {"type": "job.registered", "time": START, "job": job, "data": data}
        wires += [{**fact, "service": service} for service in (("s1", "s2") if job == "j0" else ("s1",))]
    for beat in range(20):
        fact = {"type": "worker.heartbeat", "service": "s1", "worker": "w0", "boot": "b0", "time": START + beat * HOUR}
        wires.append({**fact, "data": {"ttl_ms": 3_600_000}})
    for number in range(300):
        wires += _task(rng, number, kinds)
    facts = [convert_event({**wire, "time": wire["time"] / 1000}) for wire in wires]
    events = [event for event, _ in facts]
    oracle = Oracle(events, NOW)
    rng.shuffle(facts)
    return Told(facts, oracle.tasks(), oracle.runs(), kinds)


def _task(rng: random.Random, number: int, kinds: dict[tuple[str, str], int]) -> list[dict[str, Any]]:
    service = "s2" if number % 7 == 0 else "s1"
    task = f"t/{number % 290}"  # a few ids are known to both services, or sent twice
    job, queue = f"j{rng.randrange(6)}", f"q{rng.randrange(2)}"
    names = {"service": service, "task": task, "job": job, "queue": queue}
    at = START + rng.randrange(3 * DAY // SECOND) * SECOND
    wires: list[dict[str, Any]] = []
    for attempt in (1, 2):
        labels = {"labels": {"tenant": f"a:{rng.randrange(3)}", "size": rng.randrange(2)}}
        wires.append({"type": "task.submitted", "time": at, **names, "attempt": attempt, "data": labels})
        fate = rng.random()
        if fate < 0.05:
            return wires
        start = at + rng.randrange(30 * SECOND)
        name = f"r{number}-{attempt}"
        run = {**names, "attempt": attempt, "run": name, "worker": f"w{rng.randrange(3)}"}
        if run["worker"] == "w0" and service == "s1":
            run["boot"] = "b0"
        started = {"type": "task.started", "time": start, **run}
        wires.append(started if fate > 0.1 else {**started, "data": {"timeout_ms": 60_000}})
        if fate < 0.15:
            return wires
        end = start + rng.randrange(1, 2 * HOUR // SECOND) * SECOND
        kind, data = rng.randrange(len(KINDS)), {}
        outcome = rng.choice(["succeeded"] * 4 + ["failed", "failed", "retrying", "timed_out", "cancelled"])
        if attempt == 2 and outcome == "retrying":
            outcome = "failed"
        if outcome in ("failed", "retrying", "timed_out"):
            kinds[task, name] = kind
            data = _error(rng, kind)
        wires.append({"type": f"task.{outcome}", "time": end, **run, "data": data})
        if outcome != "retrying":
            return wires
        at = end + MINUTE
    return wires


def _error(rng: random.Random, kind: int) -> dict[str, Any]:
    name, message, fingerprint = KINDS[kind]
    if name is None or message is None:
        return {}
    uuid = f"{rng.getrandbits(32):08x}-0000-4000-8000-{rng.getrandbits(48):012x}"
    error = {"type": name, "message": message.format(n=rng.randrange(1000), uuid=uuid), "traceback": f"in {name}"}
    return {"error": error | ({"fingerprint": fingerprint} if fingerprint else {})}


def fill(store: Store) -> Told:
    """Tell a store the story in batches of odd sizes, and sweep."""
    story = told()
    receipt = deliver(store, story.facts, now=NOW + DAY, size=500)
    assert receipt.rejected == []
    ingest.sweep(store, NOW)
    return story


def text(instant: int | None) -> str | None:
    """Write an instant as answers do."""
    return None if instant is None else to_text(instant)
