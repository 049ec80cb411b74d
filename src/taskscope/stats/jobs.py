"""The list of jobs: what is registered of them, and how their runs go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from taskscope.core.cells import JobCell
from taskscope.core.clock import ms, to_text
from taskscope.stats.counts import LEVELS, count
from taskscope.stats.cursors import checked, read, write
from taskscope.stats.figures import Figures, Spread, figures, spreads
from taskscope.stats.registered import Registered, registered
from taskscope.stats.timeline import frame
from taskscope.stats.units import Cursor, Instant, Milliseconds, Outcome
from taskscope.stats.windows import cover

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Name, Reading, RunRow, Store
    from taskscope.stats.counts import Counts

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
RECENT = 20
MOST_RECENT = 100
BUCKETS = 24


class LastRun(msgspec.Struct):
    """A finished run in brief."""

    task: str
    attempt: int
    run: str | None
    finished_at: Instant
    outcome: Outcome
    duration_ms: Milliseconds | None


class JobItem(Registered, kw_only=True):
    """A job, what is registered of it, and the figures of its runs in the window.

    `registered` is false for a job that was only seen in facts. `running` and `pending` are as of the end of the
    window. `recent` are its newest finished runs whenever they were, newest first. `trend` counts finished runs,
    `failing` those that failed, by bucket of `step_ms`.
    """

    service: str
    job: str
    registered: bool
    running: int
    pending: int
    figures: Figures
    last_run: LastRun | None
    recent: list[LastRun]
    trend: list[int]
    failing: list[int]


class Jobs(msgspec.Struct, kw_only=True, rename={"start": "from", "end": "to"}):
    """A page of jobs, by name, then service.

    `total` counts those that the filters let through. `trend_from` is where the first bucket begins: whole buckets
    hold the window.
    """

    start: Instant
    end: Instant
    trend_from: Instant
    step_ms: Milliseconds
    total: int
    items: list[JobItem]
    next_cursor: Cursor | None


class Chosen(msgspec.Struct):
    """Which jobs are listed, beyond a filter: by what is registered of them, or by part of a text that describes them.

    None stands for all; the name "" of a category or an owner for none.
    """

    categories: Sequence[str] | None = None
    owners: Sequence[str] | None = None
    text: str | None = None

    def takes(self, job: Name, about: Registered) -> bool:
        """Tell whether a job is among them."""
        if self.categories is not None and (about.category or "") not in self.categories:
            return False
        if self.owners is not None and (about.owner or "") not in self.owners:
            return False
        if self.text is None:
            return True
        described = (*job, about.job_name, about.owner, about.category, about.description)
        return any(self.text.casefold() in (part or "").casefold() for part in described)


def jobs(
    store: Store,
    where: Filter,
    chosen: Chosen,
    window: Interval,
    *,
    recent: int = RECENT,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Jobs:
    """List jobs, registered or seen in facts.

    Raises
    ------
    UsageError
        The cursor is none that an earlier page gave, or the limit is out of range.
    """
    checked(limit, MAX_LIMIT)
    after = None if cursor is None else read(cursor, tuple[str, str])
    with store.questions() as q:
        about = registered(q, where)
        names = [job for job in {*about, *q.job_names(where)} if chosen.takes(job, about.get(job, Registered()))]
        rest = sorted((name, service) for service, name in names)
        behind = [key for key in rest if after is None or key > after]
        page = [(service, name) for name, service in behind[:limit]]
        (low, high), step, granularity = frame(q, window, buckets=BUCKETS)
        ended = q.endings(granularity, (low, high), _only(where, page))
        items = _items(q, page, where, about, window, recent)
    drawn = {(item.service, item.job): item for item in items}
    for item in items:
        item.trend, item.failing = [0] * ((high - low) // step), [0] * ((high - low) // step)
    for ends in ended:
        if ends.job in drawn:
            bucket = (ends.start - low) // step
            drawn[ends.job].trend[bucket] += ends.succeeded + ends.failures + ends.cancelled
            drawn[ends.job].failing[bucket] += ends.failures
    return Jobs(
        start=to_text(window[0]),
        end=to_text(window[1]),
        trend_from=to_text(low),
        step_ms=ms(step),
        total=len(names),
        items=items,
        next_cursor=write(behind[limit - 1]) if len(behind) > limit else None,
    )


def _only(where: Filter, page: Sequence[Name]) -> Filter:
    """Narrow a filter to some jobs: their services and names, of which the caller takes those that belong together."""
    return where._replace(
        services=sorted({service for service, _ in page}), jobs=sorted({name for _, name in page}), workers=None
    )


def _items(
    q: Reading, page: Sequence[Name], where: Filter, about: dict[Name, Registered], window: Interval, recent: int
) -> list[JobItem]:
    narrowed, covered = _only(where, page), cover(q, *window)
    edges: dict[Interval, Counts] = {}
    flows = count(q, covered, narrowed, edges=edges, histograms=False)
    levels = count(q, cover(q, None, covered.window[1]), narrowed, LEVELS, edges, histograms=False)
    took = spreads(q, covered, narrowed, flows, [(job,) for job in page])
    newest = q.newest_runs(page, max(recent, 1))
    return [
        item(job, about.get(job), flows.get(job, JobCell()), levels.get(job, JobCell()), spread, newest[job], recent)
        for job, spread in zip(page, took, strict=True)
    ]


def item(
    job: Name,
    about: Registered | None,
    flow: JobCell,
    level: JobCell,
    spread: Spread,
    newest: Sequence[RunRow],
    recent: int,
) -> JobItem:
    """Write a job as answers show it, without its trend."""
    runs = [brief(run) for run in newest]
    known = msgspec.structs.asdict(about or Registered())
    return JobItem(
        **known,
        service=job[0],
        job=job[1],
        registered=about is not None,
        running=level["begun"] - level["gone"],
        pending=level["submitted"] - level["taken"],
        figures=figures(flow, spread),
        last_run=runs[0] if runs else None,
        recent=runs[:recent],
        trend=[],
        failing=[],
    )


def brief(run: RunRow) -> LastRun:
    """Write a finished run in brief."""
    duration = None if run.duration is None else ms(run.duration)
    return msgspec.convert(
        {
            "task": run.task,
            "attempt": run.attempt,
            "run": run.run or None,
            "finished_at": None if run.finish is None else to_text(run.finish),
            "outcome": run.outcome,
            "duration_ms": duration,
        },
        LastRun,
    )
