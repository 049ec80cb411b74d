"""One task: its runs, every fact that is kept of it, and why it stands as it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from taskscope.core import reasons
from taskscope.core.clock import ms, to_text
from taskscope.errors import UsageError
from taskscope.stats.items import RunItem, run_item
from taskscope.stats.units import Instant, Milliseconds, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.ports import RunRow, Store, StoredFact

DEFAULT_FACTS = 1000
MOST_FACTS = 10_000


class Why(msgspec.Struct):
    """Why something stands as it does.

    `rule` is `waiting` (submitted, no run took it), `running`, `ended` or `retrying` (the fact with the id `fact` says
    so), `timed_out` or `lost` (no fact says so: the limit passed, or the worker fell silent). `at` is when that came
    about, `text` the same in words.
    """

    rule: Literal["waiting", "running", "ended", "retrying", "timed_out", "lost"]
    at: Instant
    fact: str | None
    text: str


class RunDetail(RunItem, kw_only=True):
    """A run of the task, or a submission that waits for one (then `waiting`).

    `due_at` is when it might have started, `alive_at` its newest own fact. `skewed` tells that it began before it was
    due, by the clocks of two hosts. `progress` goes from 0 to 1. `traceback` is null where the fact that ended it gave
    none, or is not kept any more.
    """

    waiting: bool
    boot: str | None
    due_at: Instant | None
    alive_at: Instant
    skewed: bool
    progress: float | None
    outputs: int
    traceback: str | None
    why: Why


class FactItem(msgspec.Struct, kw_only=True):
    """A fact as it was accepted, and how it came.

    `source` is `import` for facts that say that they were imported as history, else `sent`. `delay_ms` is how long
    after its own time it was received, negative where the sender's clock is ahead.
    """

    id: str
    type: str
    time: Instant
    received_at: Instant
    delay_ms: Milliseconds
    source: Literal["sent", "import"]
    attempt: int
    run: str | None
    job: str | None
    queue: str | None
    worker: str | None
    boot: str | None
    duration_ms: Milliseconds | None
    data: dict[str, Any]


class TaskDetail(msgspec.Struct, kw_only=True):
    """A task, its runs by attempt and start, and its facts by time and id.

    `first_at` is when it was first submitted, else when it first ran. `facts` are the newest `facts_total` allows;
    after the retention time facts are dropped before the task is.
    """

    service: str
    task: str
    job: str | None
    state: State
    cancelled: bool
    first_at: Instant
    why: Why | None
    attempts: int
    runs: list[RunDetail]
    facts_total: int
    facts: list[FactItem]


def task(store: Store, name: str, services: Sequence[str] | None, limit: int = DEFAULT_FACTS) -> TaskDetail | None:
    """Answer what is known of a task; None for one that no fact names.

    Raises
    ------
    UsageError
        Several services have a task of this id, and none is named.
    """
    with store.questions() as q:
        found = [service for service in q.services_of(name) if services is None or service in services]
        if len(found) > 1:
            raise UsageError(f"services {', '.join(found)} have a task of this id; name one of them with `service`")
        known = q.task((found[0], name)) if found else None
        if known is None:
            return None
        seen, runs = known
        count, facts = q.facts((found[0], name), limit)
    deciding = reasons.deciding(runs)
    return TaskDetail(
        service=seen.service,
        task=seen.task,
        job=seen.job or None,
        state=msgspec.convert(seen.state, State),
        cancelled=seen.cancelled,
        first_at=to_text(seen.first),
        why=None if deciding is None else _why(deciding),
        attempts=len({run.attempt for run in runs}),
        runs=[_run(run, facts) for run in runs],
        facts_total=count,
        facts=[_fact(fact) for fact in facts],
    )


def _why(run: reasons.Standing) -> Why:
    reason = reasons.of_run(run)
    said = {"rule": reason.rule, "at": to_text(reason.at), "fact": reason.fact, "text": reason.text}
    return msgspec.convert(said, Why)


def _run(run: RunRow, facts: Sequence[StoredFact]) -> RunDetail:
    ending = (run.end_id, run.finish)
    ends = (fact.event.data.get("error") for fact in facts if (fact.event.id, fact.event.time) == ending)
    error = next(ends, None) or {}
    return RunDetail(
        **{name: getattr(shown, name) for shown in [run_item(run)] for name in shown.__struct_fields__},
        waiting=bool(run.submission),
        boot=run.boot or None,
        due_at=None if run.due is None else to_text(run.due),
        alive_at=to_text(run.proof),
        skewed=run.skewed,
        progress=run.progress,
        outputs=run.outputs,
        traceback=error.get("traceback"),
        why=_why(run),
    )


def _fact(fact: StoredFact) -> FactItem:
    event = fact.event
    return FactItem(
        id=event.id,
        type=event.type,
        time=to_text(event.time),
        received_at=to_text(fact.received),
        delay_ms=ms(fact.received - event.time),
        source="import" if event.data.get("imported") is True else "sent",
        attempt=event.attempt,
        run=event.run,
        job=event.job,
        queue=event.queue,
        worker=event.worker,
        boot=event.boot,
        duration_ms=None if event.duration is None else ms(event.duration),
        data=event.data,
    )
