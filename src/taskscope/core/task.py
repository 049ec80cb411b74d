"""The fold of a task's facts: a semilattice, so neither their order nor their repetition matters.

A task is folded into what has to be remembered of its facts, and no more. Each part of it joins with the same part of
another fold by a rule that is commutative, associative and idempotent: the least start, the named value of the
greatest (time, id), the union of submissions by their identity. `absorb` adds one fact, `join` two folds; the fold of
any set of facts is the same whatever way leads there. Nothing is concluded here: which run a fact without a run id
belongs to, which run took which submission, how a run ended, is decided by `taskscope.core.runs` from the whole.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from taskscope.core.clock import from_ms, from_text
from taskscope.core.lifecycle import END_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskscope.core.events import Event

Named = tuple[int, str, str]
"""A value with the time and id of the fact that named it: tuples compare as facts outrank each other."""
Number = tuple[int, str, int]
Names = tuple[int, str, str | None, str | None, str | None, str | None]
"""The names that one fact gives, with its time and id: job, queue, worker and boot."""
JOB, QUEUE, WORKER, BOOT = range(2, 6)

_MESSAGE_LIMIT = 2000

T = TypeVar("T", bound=tuple[int, str, Any])


class End(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How a fact says that a run ended; stands whole, never mixed with another.

    `named` is 1 when the fact names its run: such an end goes before one that had to be guessed to belong here.
    """

    named: int
    time: int
    id: str
    type: str
    duration: int | None
    error: tuple[str, str] | None
    eta: int | None
    fingerprint: str | None = None

    @property
    def rank(self) -> tuple[int, int, str]:
        """What decides between two ends of one run."""
        return self.named, self.time, self.id


class Submission(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A fact that put the attempt into a queue."""

    time: int
    id: str
    eta: int | None
    job: str | None
    queue: str | None
    timeout: int | None

    @property
    def identity(self) -> tuple[int, str]:
        """What makes it one fact, however often it arrives."""
        return self.time, self.id

    @property
    def due(self) -> int:
        """When the attempt may start."""
        return self.time if self.eta is None else self.eta


_by_identity = attrgetter("identity")


class Facts(msgspec.Struct, array_like=True, gc=False):
    """What the facts of one execution say; of all facts without a run id; or of all such cancellations.

    `names` holds the names of those facts that give the newest of any kind: mostly of one fact alone.
    """

    first: int
    newest: int
    start: int | None = None
    end: End | None = None
    names: list[Names] = []
    timeout: Number | None = None
    progress: tuple[int, str, float] | None = None
    imported: bool = False
    wait_known: bool = True
    outputs: dict[str, int] = {}


class Attempt(msgspec.Struct, array_like=True, gc=False):
    """The facts of one intended try: its submissions by (time, id), its runs by id, and what names no run."""

    submissions: list[Submission] = []
    runs: dict[str, Facts] = {}
    loose: Facts | None = None
    cancel: Facts | None = None


Task = dict[int, Attempt]
"""The fold of a task: its attempts by number."""


def absorb(task: Task, event: Event) -> None:
    """Add one fact of this task to its fold, in place."""
    attempt = task.get(event.attempt)
    if attempt is None:
        attempt = task[event.attempt] = Attempt()
    if event.type == "task.submitted":
        _add(attempt.submissions, _submission(event))
        return
    run = event.run
    if run is not None:
        facts = attempt.runs.get(run)
        if facts is None:
            facts = attempt.runs[run] = Facts(event.time, event.time)
    elif event.type == "task.cancelled":
        facts = attempt.cancel = attempt.cancel or Facts(event.time, event.time)
    else:
        facts = attempt.loose = attempt.loose or Facts(event.time, event.time)
    _absorb(facts, event)


def _absorb(facts: Facts, event: Event) -> None:
    time, name, data = event.time, event.id, event.data
    facts.first = min(facts.first, time)
    facts.newest = max(facts.newest, time)
    if event.type == "task.started":
        facts.start = time if facts.start is None else min(facts.start, time)
    elif event.type in END_TYPES:
        end = _end(event)
        if facts.end is None or facts.end.rank < end.rank:
            facts.end = end
    names: Names = (time, name, event.job, event.queue, event.worker, event.boot)
    if names[JOB:] != _NAMELESS:
        _add_names(facts.names, names)
    if data:
        _absorb_data(facts, event)
    elif event.type == "task.output":
        facts.outputs[_identity(event)] = 1


_NAMELESS = (None, None, None, None)


def _add_names(known: list[Names], names: Names) -> None:
    """Add the names of a fact to those that won so far, in place."""
    if not known:
        known.append(names)
    elif len(known) == 1 and names[:JOB] > known[0][:JOB] and _covers(names, known[0]):
        known[0] = names  # newer, and it names whatever the other does: the usual case
    elif names not in known:
        known[:] = winning({*known, names})


def _covers(names: Names, others: Names) -> bool:
    return (
        (names[JOB] is not None or others[JOB] is None)
        and (names[QUEUE] is not None or others[QUEUE] is None)
        and (names[WORKER] is not None or others[WORKER] is None)
        and (names[BOOT] is not None or others[BOOT] is None)
    )


def winning(found: Iterable[Names]) -> list[Names]:
    """Keep the names of those facts that give the newest of any kind, in order."""
    kept: list[Names] = []
    open_kinds = {JOB, QUEUE, WORKER, BOOT}
    for names in sorted(found, key=lambda names: names[:JOB], reverse=True):
        won = {kind for kind in open_kinds if names[kind] is not None}
        if won:
            kept.append(names)
            open_kinds -= won
    return kept[::-1]


def named(facts: Facts, kind: int) -> Named | None:
    """Give the newest name of a kind (`JOB`, `QUEUE`, `WORKER` or `BOOT`), with the time and id of its fact."""
    for names in reversed(facts.names):
        value = names[kind]
        if isinstance(value, str):
            return names[0], names[1], value
    return None


def name_of(facts: Facts, kind: int, default: str = "") -> str:
    """Give the newest name of a kind."""
    for names in reversed(facts.names):
        value = names[kind]
        if isinstance(value, str):
            return value
    return default


def _absorb_data(facts: Facts, event: Event) -> None:
    time, name, data = event.time, event.id, event.data
    if (timeout := data.get("timeout_ms")) is not None:
        facts.timeout = greater(facts.timeout, (time, name, from_ms(timeout)))
    if (progress := data.get("progress")) is not None:
        facts.progress = greater(facts.progress, (time, name, float(progress)))
    if (outputs := data.get("outputs", 1 if event.type == "task.output" else None)) is not None:
        facts.outputs[_identity(event)] = outputs
    facts.imported = facts.imported or data.get("imported") is True
    facts.wait_known = facts.wait_known and data.get("wait_known") is not False


def _submission(event: Event) -> Submission:
    timeout = event.data.get("timeout_ms")
    limit = None if timeout is None else from_ms(timeout)
    return Submission(event.time, event.id, _eta(event), event.job, event.queue, limit)


def _add(submissions: list[Submission], submission: Submission) -> None:
    """Add a submission to a list that is ordered by identity, unless it is there."""
    position = bisect_left(submissions, submission.identity, key=_by_identity)
    if position == len(submissions) or submissions[position].identity != submission.identity:
        submissions.insert(position, submission)


def _eta(event: Event) -> int | None:
    eta = event.data.get("eta")
    return None if eta is None else from_text(eta)


def _end(event: Event) -> End:
    eta = _eta(event) if event.type == "task.retrying" else None
    brief, given = error_of(event), fingerprint_of(event)
    return End(int(event.run is not None), event.time, event.id, event.type, event.duration, brief, eta, given)


def error_of(event: Event) -> tuple[str, str] | None:
    """Give the type and the message of the error that an end states, short enough to be kept with its run."""
    error = event.data.get("error")
    return None if error is None else (error.get("type") or "", (error.get("message") or "")[:_MESSAGE_LIMIT])


def fingerprint_of(event: Event) -> str | None:
    """Give the fingerprint that an end states."""
    found: str | None = (event.data.get("error") or {}).get("fingerprint")
    return found


def _identity(event: Event) -> str:
    return f"{event.time}/{event.id}"


def greater(a: T | None, b: T | None) -> T | None:
    """Give what outranks the other: the value of the later fact, then of the greater id."""
    if a is None or b is None:
        return b if a is None else a
    return max(a, b)


def join(into: Task, other: Task) -> None:
    """Join another fold of the same task into this one, in place."""
    for number, theirs in other.items():
        ours = into.setdefault(number, Attempt())
        for submission in theirs.submissions:
            _add(ours.submissions, submission)
        for run, facts in theirs.runs.items():
            ours.runs[run] = joined(ours.runs.get(run), facts)
        if theirs.loose is not None:
            ours.loose = joined(ours.loose, theirs.loose)
        if theirs.cancel is not None:
            ours.cancel = joined(ours.cancel, theirs.cancel)


def joined(a: Facts | None, b: Facts) -> Facts:
    """Give the join of two sets of facts about one execution."""
    if a is None:
        return b
    starts = [start for start in (a.start, b.start) if start is not None]
    ends = [end for end in (a.end, b.end) if end is not None]
    return Facts(
        first=min(a.first, b.first),
        newest=max(a.newest, b.newest),
        start=min(starts, default=None),
        end=max(ends, key=lambda end: end.rank, default=None),
        names=winning({*a.names, *b.names}),
        timeout=greater(a.timeout, b.timeout),
        progress=greater(a.progress, b.progress),
        imported=a.imported or b.imported,
        wait_known=a.wait_known and b.wait_known,
        outputs={**a.outputs, **b.outputs},
    )


def fold(events: Iterable[Event], base: Task | None = None) -> Task:
    """Fold facts of one task onto a base; the base is left as it is."""
    task: Task = {}
    if base:
        join(task, unpack(pack(base)))
    for event in events:
        absorb(task, event)
    return task


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder: msgspec.msgpack.Decoder[list[tuple[int, Attempt]]] = msgspec.msgpack.Decoder(list[tuple[int, Attempt]])


def pack(task: Task) -> bytes:
    """Write a fold as bytes: equal folds give equal bytes."""
    return _encoder.encode(sorted(task.items()))


def unpack(packed: bytes) -> Task:
    """Read what `pack` wrote."""
    return dict(_decoder.decode(packed))
