"""What a task adds to the statistics: a function of the resolved task alone.

Whatever a late fact changes, the cells follow by the difference: take back what the old view of the task contributed,
add what the new one does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from taskscope.core import lifecycle
from taskscope.core.cells import POSITION

if TYPE_CHECKING:
    from taskscope.core.runs import View

_TASK = {state: POSITION[f"tasks_{state.lower()}"] for state in lifecycle.STATES}


class Begin(NamedTuple):
    """What the beginning of a run contributes, or a submission that still waits for one (without an anchor)."""

    service: str
    job: str
    queue: str
    anchor: int | None
    submitted: int | None
    start: int | None
    wait: int | None
    skewed: bool


class Ending(NamedTuple):
    """What the end of a run contributes."""

    service: str
    job: str
    queue: str
    worker: str
    anchor: int
    start: int | None
    finish: int
    outcome: str
    inferred: bool
    duration: int | None
    outputs: int


class Standing(NamedTuple):
    """What a task contributes beside its runs: `field` is the position in `JOB_FIELDS` that counts its state."""

    service: str
    job: str
    queue: str
    first: int
    field: int


Part = Begin | Ending | Standing


def contributions(view: View) -> list[Part]:
    """List what a task contributes to the cells."""
    service = view.service
    parts: list[Part] = [
        Standing(service, view.job, view.queue, view.first, task_field(view.state, cancelled=view.cancelled))
    ]
    for run in view.runs:
        parts.extend(parts_of(service, run))
    return parts


class Occurrence(Protocol):
    """A run, resolved or as it is listed."""

    @property
    def job(self) -> str:
        """As of `taskscope.core.runs.Run`."""

    @property
    def queue(self) -> str:
        """As of `taskscope.core.runs.Run`."""

    @property
    def worker(self) -> str:
        """As of `taskscope.core.runs.Run`."""

    @property
    def submission(self) -> str:
        """As of `taskscope.core.runs.Run`."""

    @property
    def anchor(self) -> int:
        """As of `taskscope.core.runs.Run`."""

    @property
    def submitted(self) -> int | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def start(self) -> int | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def wait(self) -> int | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def skewed(self) -> bool:
        """As of `taskscope.core.runs.Run`."""

    @property
    def finish(self) -> int | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def outcome(self) -> str | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def inferred(self) -> bool:
        """As of `taskscope.core.runs.Run`."""

    @property
    def duration(self) -> int | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def outputs(self) -> int:
        """As of `taskscope.core.runs.Run`."""


def parts_of(service: str, run: Occurrence) -> list[Part]:
    """List what one run contributes, or one submission that waits."""
    anchor = None if run.submission else run.anchor
    begin = Begin(service, run.job, run.queue, anchor, run.submitted, run.start, run.wait, run.skewed)
    if run.outcome is None or run.finish is None:
        return [begin]
    return [
        begin,
        Ending(
            service,
            run.job,
            run.queue,
            run.worker,
            run.anchor,
            run.start,
            run.finish,
            run.outcome,
            run.inferred,
            run.duration,
            run.outputs,
        ),
    ]


def task_field(state: str, *, cancelled: bool) -> int:
    """Give the position in `JOB_FIELDS` that counts a task in this state."""
    return POSITION["tasks_cancelled"] if cancelled else _TASK[state]
