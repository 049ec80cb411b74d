"""A run as answers show it, with the type of each field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from taskscope.stats.listing import item
from taskscope.stats.units import Cursor, Instant, Milliseconds, Outcome, State

if TYPE_CHECKING:
    from taskscope.ports import RunRow


class Error(msgspec.Struct):
    """Why a run failed, as its end says."""

    type: str | None
    message: str | None


class RunItem(msgspec.Struct, kw_only=True):
    """A run, or a submission that waits for one: then `run` and everything about its start and end is null.

    `inferred` tells that no fact states the outcome: a limit passed, or the worker went away. `fingerprint` is what
    groups a failed run with others, null for other runs.
    """

    task: str
    attempt: int
    run: str | None
    service: str
    job: str | None
    queue: str | None
    worker: str | None
    state: State
    outcome: Outcome | None
    inferred: bool
    submitted_at: Instant | None
    started_at: Instant | None
    finished_at: Instant | None
    duration_ms: Milliseconds | None
    wait_ms: Milliseconds | None
    error: Error | None
    fingerprint: str | None


class Runs(msgspec.Struct):
    """A page of runs, the newest start first."""

    items: list[RunItem]
    next_cursor: Cursor | None


def run_item(row: RunRow) -> RunItem:
    """Write one run as answers show it."""
    return msgspec.convert(item(row), RunItem)
