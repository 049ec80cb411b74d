"""Plain tasks: those of which one row remembers all.

Most tasks are plain: submitted once, started once, ended once, by facts that agree in all names they give. Such a task
has one run, and the stored row of that run, with the limit that its facts state, holds all that its fold remembers. So
a store need not keep the fold, and when another fact arrives, thousands of such tasks are folded on at once, in
columns: see `taskscope.core.plain_columns`. Whatever else happens to a task (a retry, a second run, progress, names
that differ) makes it odd, and it goes the way of every task: through `taskscope.core.task` and `taskscope.core.runs`,
from its facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope.core import lifecycle
from taskscope.core.clock import from_ms
from taskscope.core.runs import executions
from taskscope.core.task import JOB, QUEUE, Submission, name_of

if TYPE_CHECKING:
    from taskscope.core.events import Event
    from taskscope.core.task import Facts, Task

NONE = -1
"""Stands in every column for what is not known."""
HISTORY = -2
"""Stands for the limit of a run that holds an imported fact: nothing is ever inferred of it."""

ODD = NONE
SUBMITTED, STARTED, FIRST_END = range(3)
END_TYPES = tuple(f"task.{outcome}" for outcome in lifecycle.OUTCOMES)
"""The ends of plain tasks, in the order of `lifecycle.OUTCOMES`: a retry is none of them."""
KINDS = {kind: number for number, kind in enumerate(("task.submitted", "task.started", *END_TYPES))}
"""The facts of plain tasks, all of their first attempt; every other is `ODD`."""

_READ_BY_THE_FOLD = frozenset({"progress", "outputs", "wait_known", "eta"})


def limit_of_fact(event: Event) -> int | None:
    """Give the limit that a fact states, `NONE` without one; None for a fact that makes its task odd."""
    data = event.data
    if not _READ_BY_THE_FOLD.isdisjoint(data):
        return None
    if data.get("imported") is True and event.type != "task.submitted":
        return HISTORY
    limit = data.get("timeout_ms")
    return NONE if limit is None else from_ms(limit)


def limit_of(task: Task) -> int | None:
    """Give the limit that the facts of a plain task state, `NONE` or `HISTORY`; None for one that is not plain.

    That is: whether the row of its only run, this limit and nothing else decide what its next fact makes of it.
    """
    attempt = task.get(1)
    if attempt is None or len(task) > 1 or len(attempt.submissions) > 1 or len(attempt.runs) > 1:
        return None
    submission = attempt.submissions[0] if attempt.submissions else _UNSUBMITTED
    executed = executions(attempt)
    asked = NONE if submission.timeout is None else submission.timeout
    if not executed:
        return asked if submission.eta is None else None
    [(_, facts)] = executed
    if submission.eta is not None or not _is_plain(facts) or not _agree(submission, facts):
        return None
    if facts.imported:
        return HISTORY
    stated = asked if facts.timeout is None else facts.timeout[2]
    return stated if asked in (NONE, stated) else None


_UNSUBMITTED = Submission(0, "", None, None, None, None)


def _is_plain(facts: Facts) -> bool:
    return (
        (facts.start is not None or facts.end is not None)
        and (facts.end is None or facts.end.type != "task.retrying")
        and facts.progress is None
        and not facts.outputs
        and facts.wait_known
    )


def _agree(submission: Submission, facts: Facts) -> bool:
    job, queue = submission.job, submission.queue
    return job in (None, name_of(facts, JOB, job or "")) and queue in (None, name_of(facts, QUEUE, queue or ""))
