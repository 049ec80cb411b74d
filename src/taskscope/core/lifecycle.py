"""The states of a task and what moves it between them: one table that code, tests and the documentation share."""

from __future__ import annotations

from typing import NamedTuple

PENDING = "PENDING"
PROCESSING = "PROCESSING"
RETRYING = "RETRYING"
COMPLETED = "COMPLETED"
FAILED = "FAILED"
STATES = (PENDING, PROCESSING, RETRYING, COMPLETED, FAILED)

SUCCEEDED = "succeeded"
FAILED_OUTCOME = "failed"
TIMED_OUT = "timed_out"
CANCELLED = "cancelled"
LOST = "lost"
OUTCOMES = (SUCCEEDED, FAILED_OUTCOME, TIMED_OUT, CANCELLED, LOST)


class Transition(NamedTuple):
    """One row of the table: in `before`, the fact `on` leads to `after`."""

    before: str | None
    on: str
    after: str
    meaning: str


TRANSITIONS = (
    Transition(None, "task.submitted", PENDING, "the task waits in its queue"),
    Transition(None, "task.started", PROCESSING, "a worker runs it; how it was submitted is not known"),
    Transition(PENDING, "task.started", PROCESSING, "a worker took it"),
    Transition(PROCESSING, "task.succeeded", COMPLETED, "outcome succeeded"),
    Transition(PROCESSING, "task.failed", FAILED, "outcome failed, no attempt is left"),
    Transition(PROCESSING, "task.timed_out", FAILED, "outcome timed_out: it ran past its limit"),
    Transition(PROCESSING, "task.lost", FAILED, "outcome lost: its worker went away"),
    Transition(PROCESSING, "task.retrying", RETRYING, "the run failed, another attempt will follow"),
    Transition(RETRYING, "task.submitted", RETRYING, "the next attempt waits in its queue"),
    Transition(RETRYING, "task.started", PROCESSING, "the next attempt runs"),
    Transition(FAILED, "task.submitted", PENDING, "the task is sent again by hand, as the same attempt"),
    Transition(COMPLETED, "task.submitted", PENDING, "the task is sent again, as the same attempt"),
    Transition(PENDING, "task.cancelled", FAILED, "outcome cancelled, before it ran"),
    Transition(PROCESSING, "task.cancelled", FAILED, "outcome cancelled, while it ran"),
    Transition(RETRYING, "task.cancelled", FAILED, "outcome cancelled, between two attempts"),
)

END_TYPES = ("task.succeeded", "task.failed", "task.timed_out", "task.cancelled", "task.lost", "task.retrying")

STATE_AFTER = {row.on: row.after for row in TRANSITIONS if row.before == PROCESSING}
"""Where an end leads a task whose newest run it ends."""

OUTCOME_OF = {
    "task.succeeded": SUCCEEDED,
    "task.failed": FAILED_OUTCOME,
    "task.timed_out": TIMED_OUT,
    "task.cancelled": CANCELLED,
    "task.lost": LOST,
    "task.retrying": FAILED_OUTCOME,
}
"""How an end counts: a run that will be retried has failed."""
