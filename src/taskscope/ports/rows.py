"""What is asked about and what is answered: keys, filters, and rows as questions give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.core.presence import Boot


TaskKey = tuple[str, str]
"""(service, task)."""
BootKey = tuple[str, str, str]
"""(service, boot, worker): the worker stands for a boot without an id, else it is empty."""
Name = tuple[str, str]
"""(service, name) of a job, a queue or a worker; the name is empty where no fact gives one."""
Identity = tuple[str, int]
"""(event id, time)."""


class Filter(NamedTuple):
    """Which facts a question is about; None stands for all. Several values of one field are alternatives."""

    services: Sequence[str] | None = None
    jobs: Sequence[str] | None = None
    queues: Sequence[str] | None = None
    workers: Sequence[str] | None = None
    states: Sequence[str] | None = None
    outcomes: Sequence[str] | None = None


class Search(NamedTuple):
    """Which runs are looked for, beyond a filter.

    Attributes
    ----------
    text
        Part of the type or the message of the error; ASCII letters in any case. None for any.
    fingerprints
        Of the failure; None for any run.
    labels
        (key, value) pairs that facts of the task hold in `data.labels`; all of them.
    """

    where: Filter = Filter()
    text: str | None = None
    fingerprints: Sequence[str] | None = None
    labels: Sequence[tuple[str, str]] = ()


class RunRow(NamedTuple):
    """A run, or a submission that waits for one (then `submission` is not empty), as it is listed."""

    service: str
    task: str
    attempt: int
    run: str
    submission: str
    anchor: int
    job: str
    queue: str
    worker: str
    boot: str | None
    state: str
    submitted: int | None
    due: int | None
    start: int | None
    finish: int | None
    duration: int | None
    wait: int | None
    skewed: bool
    outcome: str | None
    inferred: bool
    end_type: str | None
    end_id: str | None
    error_type: str | None
    error_message: str | None
    progress: float | None
    outputs: int
    proof: int
    recheck: int | None
    heartbeat: int | None
    fingerprint: str | None


class BusyRow(NamedTuple):
    """The part of a run that questions about workers need.

    `end` of a run that is still open is its last proof of life: its own newest fact or a heartbeat of its boot.
    """

    service: str
    queue: str
    worker: str
    start: int
    end: int
    finish: int | None
    outcome: str | None


class TaskRow(NamedTuple):
    """A task as it stands now; `number` is the store's own."""

    service: str
    task: str
    job: str
    state: str
    cancelled: bool
    first: int
    number: int


class LastRun(NamedTuple):
    """The newest finished run of a job: when it finished, for how long it ran if known, and how it ended."""

    finish: int
    duration: int | None
    outcome: str


class PresenceRow(NamedTuple):
    """A span in which a worker was there, and the queues that it serves.

    Spans of heartbeats are half-open; `inclusive` spans of workers without a boot contain their last instant.
    """

    service: str
    worker: str
    boot: int
    start: int
    end: int
    inclusive: bool


class FailureGroup(NamedTuple):
    """Failed runs of one fingerprint: how many, and when the first and the last of them finished."""

    fingerprint: str
    failures: int
    first: int
    last: int


class Waiting(NamedTuple):
    """What waits in a queue: when the oldest was due, and how many were due before an instant."""

    due: int | None
    older: int


class BootRow(NamedTuple):
    """A boot: its number, its worker by number and name, its id (empty for none) and its fold."""

    number: int
    worker: int
    service: str
    name: str
    boot: str
    folded: Boot


class Endings(NamedTuple):
    """How the runs of a job ended in one cell: succeeded, failed (with timed out and lost), cancelled."""

    start: int
    job: Name
    succeeded: int
    failures: int
    cancelled: int
