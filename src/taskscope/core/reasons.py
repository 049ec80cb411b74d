"""Why a run or a task stands as it does: which fact or which rule says so.

A pure reading of the resolved runs: it decides nothing, and says which of the rules of `taskscope.core.runs` applied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from taskscope.core import lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterable

WAITING = "waiting"
RUNNING = "running"
ENDED = "ended"
RETRYING = "retrying"
TIMED_OUT = "timed_out"
LOST = "lost"


class Standing(Protocol):
    """A run, or a submission that waits, as it is listed."""

    @property
    def attempt(self) -> int:
        """As of `taskscope.core.runs.Run`."""

    @property
    def run(self) -> str:
        """As of `taskscope.core.runs.Run`."""

    @property
    def submission(self) -> str:
        """As of `taskscope.core.runs.Run`."""

    @property
    def anchor(self) -> int:
        """As of `taskscope.core.runs.Run`."""

    @property
    def due(self) -> int | None:
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
    def end_type(self) -> str | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def end_id(self) -> str | None:
        """As of `taskscope.core.runs.Run`."""

    @property
    def proof(self) -> int:
        """As of `taskscope.core.runs.Run`."""


class Reason(NamedTuple):
    """Why it stands so.

    Attributes
    ----------
    rule
        One of the constants above.
    at
        When that came about: the fact's time, the end of the limit, or the last proof of life.
    fact
        The id of the fact that says so; None where a rule concludes it.
    text
        The same in words.
    """

    rule: str
    at: int
    fact: str | None
    text: str


def of_run(run: Standing) -> Reason:
    """Say why a run, or a waiting submission, stands as it does."""
    if run.submission:
        fact = run.submission.partition("/")[2]
        return Reason(WAITING, run.anchor, fact, "it was submitted, and no run has taken it yet")
    if run.finish is None:
        return Reason(RUNNING, run.proof, None, "it began, and nothing says that it ended; its newest fact is of then")
    if run.outcome == lifecycle.TIMED_OUT and run.inferred:
        return Reason(TIMED_OUT, run.finish, None, "no fact says that it ended, and its time limit passed then")
    if run.inferred:
        text = "no fact says that it ended, and its worker has been silent since then for longer than it promised"
        return Reason(LOST, run.finish, None, text)
    if run.end_type == "task.retrying":
        return Reason(RETRYING, run.finish, run.end_id, "it failed, and the fact says that another attempt follows")
    return Reason(ENDED, run.finish, run.end_id, f"a fact says so: {run.end_type}")


def deciding(runs: Iterable[Standing]) -> Standing | None:
    """Give the run, or the waiting submission, that decides the state of a task; None without any.

    1. Only the greatest attempt counts.
    2. A submission that is due after the newest run began decides: the latest due one.
    3. Else the newest run does: by anchor, then run id.
    """
    known = list(runs)
    greatest = max((run.attempt for run in known), default=0)
    rows = [run for run in known if run.attempt == greatest]
    waiting = max((run for run in rows if run.submission), key=lambda run: (run.due or 0, run.submission), default=None)
    last = max((run for run in rows if not run.submission), key=lambda run: (run.anchor, run.run), default=None)
    if waiting is not None and (last is None or (waiting.due or 0) > last.anchor):
        return waiting
    return last
