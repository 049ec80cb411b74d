"""One job: how its runs went, bucket by bucket, against an earlier period, and its newest runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from taskscope.core.clock import ms, to_text
from taskscope.stats.counts import LEVELS, count, total
from taskscope.stats.figures import Figures, Spread, figures, spread_from, spread_of, spreads
from taskscope.stats.items import RunItem, run_item
from taskscope.stats.registered import Registered, registered_together
from taskscope.stats.timeline import Timeline, timeline
from taskscope.stats.units import Change, Instant, Milliseconds
from taskscope.stats.windows import cover

if TYPE_CHECKING:
    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Name, Reading, Store
    from taskscope.stats.counts import Counts

SAMPLE = 1000
"""How many of a job's newest finished runs its durations are taken from, unless the settings say otherwise."""
NEWEST = 20
MOST_NEWEST = 200


class Bucket(Figures, kw_only=True):
    """The figures of one bucket; its durations come from histograms, within 1 %."""

    start: Instant


class History(msgspec.Struct, kw_only=True, rename={"start": "from", "end": "to"}):
    """The window bucket by bucket, widened to whole buckets; the last one may still fill."""

    start: Instant
    end: Instant
    step_ms: Milliseconds
    buckets: list[Bucket]


class Changes(msgspec.Struct):
    """How the window compares with the earlier period.

    Null where one of both says nothing, or the earlier value is 0. `success_rate` is the difference of both rates.
    """

    finished: Change | None
    failures: Change | None
    success_rate: float | None
    avg: Change | None
    p50: Change | None
    p95: Change | None


class Comparison(msgspec.Struct, kw_only=True, rename={"start": "from", "end": "to"}):
    """An earlier period (by default the one of the same length before the window), and what changed since."""

    start: Instant
    end: Instant
    figures: Figures
    change: Changes


class JobDetail(Registered, kw_only=True, rename={"start": "from", "end": "to"}):
    """A job in a window.

    A job of the same name in several `services` counts together, unless a filter names one. `running` and `pending`
    are as of the end of the window. `sample` covers its newest finished runs whenever they were, and `newest` lists
    the newest of these.
    """

    job: str
    services: list[str]
    registered: bool
    start: Instant
    end: Instant
    running: int
    pending: int
    figures: Figures
    comparison: Comparison
    history: History
    sample: Spread
    sample_size: int
    newest: list[RunItem]


class Asked(msgspec.Struct):
    """What is asked of a job beside the window; None for the default."""

    earlier: Interval | None = None
    step: int | None = None
    sample: int = SAMPLE
    newest: int = NEWEST


def job(store: Store, name: str, where: Filter, window: Interval, asked: Asked) -> JobDetail | None:
    """Answer how one job does; None for one that no fact names.

    Raises
    ------
    UsageError
        There would be too many buckets, or a step is no whole number of minutes.
    """
    where = where._replace(jobs=[name])
    earlier = asked.earlier or (2 * window[0] - window[1], window[0])
    with store.questions() as q:
        about = registered_together(q, where)
        known = sorted({*q.registered(where), *q.job_names(where)})
        if not known:
            return None
        edges: dict[Interval, Counts] = {}
        now, then = (_period(q, period, where, known, edges) for period in (window, earlier))
        level = total(count(q, cover(q, None, window[1]), where, LEVELS, edges, histograms=False))
        drawn = timeline(q, window, where, step=asked.step)
        newest = [run for runs in q.newest_runs(known, asked.newest).values() for run in runs]
        sample = [duration for _, duration, _ in q.durations(None, where, asked.sample)]
    newest.sort(key=lambda run: (-(run.finish or 0), run.service, run.task, run.attempt, run.run))
    return JobDetail(
        **msgspec.structs.asdict(about or Registered()),
        job=name,
        services=sorted({service for service, _ in known}),
        registered=about is not None,
        start=to_text(window[0]),
        end=to_text(window[1]),
        running=level["begun"] - level["gone"],
        pending=level["submitted"] - level["taken"],
        figures=now,
        comparison=Comparison(
            start=to_text(earlier[0]), end=to_text(earlier[1]), figures=then, change=_changes(now, then)
        ),
        history=history_of(drawn, known),
        sample=spread_of(sample),
        sample_size=asked.sample,
        newest=[run_item(run) for run in newest[: asked.newest]],
    )


def _period(q: Reading, window: Interval, where: Filter, known: list[Name], edges: dict[Interval, Counts]) -> Figures:
    covered = cover(q, *window)
    cells = count(q, covered, where, edges=edges, histograms=False)
    [spread] = spreads(q, covered, where, cells, [tuple(known)])
    return figures(total(cells), spread)


def history_of(drawn: Timeline, known: list[Name]) -> History:
    """Write the buckets of some jobs."""
    buckets = [
        Bucket(start=to_text(drawn.window[0] + number * drawn.step), **_fields(figures(cell, spread_from(cell))))
        for number, cell in enumerate(drawn.of(*known))
    ]
    return History(
        start=to_text(drawn.window[0]), end=to_text(drawn.window[1]), step_ms=ms(drawn.step), buckets=buckets
    )


def _fields(found: Figures) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__struct_fields__}


def _changes(now: Figures, then: Figures) -> Changes:
    rates = now.success_rate, then.success_rate
    return Changes(
        finished=_change(_finished(now), _finished(then)),
        failures=_change(now.failures, then.failures),
        success_rate=None if rates[0] is None or rates[1] is None else rates[0] - rates[1],
        avg=_change(now.duration_ms.avg, then.duration_ms.avg),
        p50=_change(now.duration_ms.p50, then.duration_ms.p50),
        p95=_change(now.duration_ms.p95, then.duration_ms.p95),
    )


def _finished(found: Figures) -> int:
    return found.succeeded + found.failures + found.cancelled


def _change(now: float | None, then: float | None) -> float | None:
    return None if now is None or not then else (now - then) / then
