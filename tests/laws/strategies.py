"""Facts over a universe so small that they collide all the time: in time, in id, in task, run, boot and name."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from taskscope.core.clock import DAY, HOUR, MINUTE, SECOND, to_text
from taskscope.core.events import TASK_TYPES, WORKER_TYPES, Event
from taskscope.core.normalise import convert_event

ORIGIN = 1_767_861_000_000_000
"""2026-01-08T08:30:00Z, the begin of a minute."""

OFFSETS = [
    *(0, 1, 5 * SECOND, 10 * SECOND, 10 * SECOND + 1, 20 * SECOND, 20 * SECOND + 1, 30 * SECOND),
    *(MINUTE - 1, MINUTE, MINUTE + 5 * SECOND, MINUTE + 10 * SECOND, 2 * MINUTE, 3 * MINUTE, HOUR, HOUR + 5 * SECOND),
    *(DAY, 150 * DAY, 150 * DAY + 10 * SECOND),
]
"""Where facts lie after the origin; the beginning is the likeliest, and what comes first is what examples shrink to."""

LATEST = ORIGIN + 300 * DAY

near = st.sampled_from(OFFSETS[:12])
offsets = st.one_of(near, near, near, st.sampled_from(OFFSETS))
times = offsets.map(lambda offset: ORIGIN + offset)
edges = st.one_of(
    times, st.sampled_from([ORIGIN - MINUTE, ORIGIN + 2, ORIGIN + 40 * SECOND, ORIGIN + 2 * HOUR, ORIGIN + 200 * DAY])
)
marks = st.one_of(st.just(LATEST), st.just(0), edges)
"""How far the sweep came: far later, never, or anywhere."""

limits_ms = st.sampled_from([0, 0.001, 5_000, 10_000, 60_000])
durations_ms = st.sampled_from(
    [None, None, None, 0, 0.001, 5_000, 10_000, 59_999.999, 75_000, 4_000_000, 12_528_000_000]
)
etas = times.map(to_text)

_SOMETIMES: dict[str, st.SearchStrategy[Any]] = {
    "timeout_ms": limits_ms,
    "progress": st.sampled_from([0, 0.25, 1]),
    "outputs": st.sampled_from([0, 1, 2]),
    "imported": st.just(True),
    "wait_known": st.booleans(),
    "error": st.sampled_from(["late", "broken"]),
}


class Theme(NamedTuple):
    """What the facts of one example are about: with fewer kinds of things, rare meetings become frequent."""

    kinds: list[str]
    keys: list[str]
    tasks: list[str]
    attempts: list[int]
    runs: list[str | None]
    boots: list[str | None]
    jobs: list[str | None]
    queues: list[str | None]
    workers: list[str | None]
    others: int
    etas: bool
    offsets: list[int]


def _some(*values: Any, least: int = 1) -> st.SearchStrategy[list[Any]]:
    """Draw everything, or a few."""
    return st.one_of(st.just(list(values)), st.lists(st.sampled_from(values), min_size=least, max_size=3, unique=True))


_offsets = st.one_of(
    st.just(OFFSETS),
    st.lists(st.sampled_from(OFFSETS[:12]), min_size=2, max_size=5, unique=True),
    st.lists(st.sampled_from(OFFSETS), min_size=2, max_size=5, unique=True),
)
_wild_themes = st.builds(
    Theme,
    kinds=_some(*TASK_TYPES, least=2),
    keys=_some(*sorted(_SOMETIMES), least=0),
    tasks=st.sampled_from([["t1", "t1", "t1", "t2"], ["t1"]]),
    attempts=st.sampled_from([[1, 1, 1, 2, 2, 3], [1], [1, 2]]),
    runs=st.sampled_from([["r1", "r1", None, "r2", "r3"], ["r1"], ["r1", "r2"], ["r1", None]]),
    boots=st.sampled_from([[None, "b1", "b2"], ["b1"], ["b1", None], [None]]),
    jobs=st.just([None, "j1", "j2"]),
    queues=st.just([None, "q1", "q2"]),
    workers=st.just([None, "w1", "w2"]),
    others=st.sampled_from([2, 0, 5]),
    etas=st.booleans(),
    offsets=_offsets,
)
_PLAIN_TYPES = ["task.submitted", "task.started", "task.succeeded"]
_calm_themes = st.builds(
    Theme,
    kinds=st.one_of(
        st.just(_PLAIN_TYPES),
        st.sampled_from(TASK_TYPES).map(lambda kind: [*_PLAIN_TYPES, *_PLAIN_TYPES, kind]),
    ),
    keys=st.sampled_from([[], ["timeout_ms"], ["imported"], ["timeout_ms", "imported", "error"], sorted(_SOMETIMES)]),
    tasks=st.sampled_from([["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"], ["t1", "t2"]]),
    attempts=st.sampled_from([[1], [1], [1] * 9 + [2]]),
    runs=st.sampled_from([["r1"], ["r1", None], ["r1"] * 9 + ["r2"]]),
    boots=st.sampled_from([["b1"], ["b1", None], [None], ["b1"] * 9 + ["b2"]]),
    jobs=st.sampled_from([["j1"], ["j1", None], ["j1"] * 9 + ["j2"]]),
    queues=st.sampled_from([["q1"], ["q1", None], ["q1"] * 9 + ["q2"]]),
    workers=st.sampled_from([["w1"], ["w1", None], ["w1"] * 9 + ["w2"]]),
    others=st.sampled_from([0, 2]),
    etas=st.sampled_from([False, False, True]),
    offsets=_offsets,
)
"""Themes under which most tasks stay plain, and some turn odd in one way or another."""
_themes = st.one_of(_wild_themes, _calm_themes)


@st.composite
def _task_fact(draw: st.DrawFn, theme: Theme) -> dict[str, Any]:
    kind = draw(st.sampled_from(theme.kinds))
    data: dict[str, Any] = {}
    if draw(st.booleans()) and theme.keys:
        keys = draw(st.lists(st.sampled_from(theme.keys), max_size=2, unique=True))
        data = {key: draw(_SOMETIMES[key]) for key in keys}
    if theme.etas and kind in {"task.submitted", "task.retrying"} and draw(st.integers(0, 2)) == 2:
        data["eta"] = draw(etas)
    return {
        "type": kind,
        "task": draw(st.sampled_from(theme.tasks)),
        "attempt": draw(st.sampled_from(theme.attempts)),
        "run": None if kind == "task.submitted" else draw(st.sampled_from(theme.runs)),
        "job": draw(st.sampled_from(theme.jobs)),
        "queue": draw(st.sampled_from(theme.queues)),
        "worker": draw(st.sampled_from(theme.workers)),
        "boot": draw(st.sampled_from(theme.boots)),
        "duration_ms": draw(durations_ms) if kind not in {"task.submitted", "task.started"} else None,
        "data": data,
    }


@st.composite
def _worker_fact(draw: st.DrawFn, theme: Theme) -> dict[str, Any]:
    kind = draw(st.sampled_from(["worker.heartbeat", "worker.heartbeat", *WORKER_TYPES]))
    ttl = draw(st.sampled_from([None, 1, 5_000, 10_000, 30_000, 86_400_000]))
    return {
        "type": kind,
        "worker": draw(st.sampled_from(["w1", "w2"])),
        "boot": draw(st.sampled_from(theme.boots)),
        "data": {} if ttl is None else {"ttl_ms": ttl},
    }


@st.composite
def _registration(draw: st.DrawFn) -> dict[str, Any]:
    data = draw(st.one_of(st.just({}), st.fixed_dictionaries({"timeout_ms": st.one_of(limits_ms, st.none())})))
    return {"type": "job.registered", "job": draw(st.sampled_from(["j1", "j2"])), "data": data}


@st.composite
def _fact(draw: st.DrawFn, theme: Theme) -> Event:
    if draw(st.integers(0, 9)) < 10 - theme.others:
        wire = draw(_task_fact(theme))
    else:
        wire = draw(st.one_of(_worker_fact(theme), _registration()))
    wire["service"] = draw(st.sampled_from(["s1"] * 5 + ["s2"]))
    wire["id"] = f"e{draw(st.integers(0, 30)):02}"
    wire["time"] = (ORIGIN + draw(st.sampled_from(theme.offsets))) / 1000
    event, _ = convert_event(wire)
    return event


def _facts_under(theme: Theme) -> st.SearchStrategy[list[Event]]:
    return st.lists(_fact(theme), min_size=1, max_size=25, unique_by=lambda fact: (fact.id, fact.time))


facts = _themes.flatmap(_facts_under)
"""Facts of different identity; whoever needs repetitions repeats them."""
calm_facts = _calm_themes.flatmap(_facts_under)
"""The same, of tasks that are mostly plain."""
