"""Failed runs of a window in groups: what failed how often, since when, and whether it becomes more."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from taskscope.core.clock import ms, to_text
from taskscope.stats.cursors import Int64, checked, read, write
from taskscope.stats.items import RunItem, run_item
from taskscope.stats.units import Change, Cursor, Instant, Milliseconds, Ratio

if TYPE_CHECKING:
    from taskscope.core.intervals import Interval
    from taskscope.ports import FailureGroup, Reading, Search, Store

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
BUCKETS = 24
MOST_BUCKETS = 200
MOST_JOBS = 10

_Cursor = tuple[Int64, Int64, Int64, Int64, str]


class FailedJob(msgspec.Struct):
    """A job among whose runs failures are."""

    service: str
    job: str | None
    failures: int


class FailureItem(msgspec.Struct, kw_only=True):
    """Failed, timed out and lost runs of one fingerprint.

    `share` is that of all failures that were asked for. `trend` counts by bucket of `step_ms` from the start of the
    window, the last one may be shorter; `before` counts in the window before, and `change` compares with it (null
    where that had none). `example` is the newest run, whose message stands for the group. `jobs` are the ten with the
    most failures out of `jobs_total`.
    """

    fingerprint: str
    failures: int
    share: Ratio
    first_seen: Instant
    last_seen: Instant
    trend: list[int]
    before: int
    change: Change | None
    jobs: list[FailedJob]
    jobs_total: int
    example: RunItem | None


class Failures(msgspec.Struct, kw_only=True, rename={"start": "from", "end": "to"}):
    """A page of groups: most failures first, then the newest, then by fingerprint.

    `complete` is false where retention has dropped runs of the window: then there were more.
    """

    start: Instant
    end: Instant
    step_ms: Milliseconds
    failures: int
    groups: int
    complete: bool
    items: list[FailureItem]
    next_cursor: Cursor | None


def failures(
    store: Store,
    search: Search,
    window: Interval,
    *,
    buckets: int = BUCKETS,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Failures:
    """Answer what failed in a window.

    Parameters
    ----------
    window
        A cursor brings its own, so that all pages are about the same runs.
    buckets
        Into how many the window is cut for the trend.

    Raises
    ------
    UsageError
        The cursor is none that an earlier page gave, or the limit is out of range.
    """
    checked(limit, MAX_LIMIT)
    after: tuple[int, int, str] | None = None
    if cursor is not None:
        key: tuple[int, int, int, int, str] = read(cursor, _Cursor)
        window, after = key[:2], key[2:]
    step = max(1, -(-(window[1] - window[0]) // buckets))
    with store.questions() as q:
        total, groups = q.failure_total(window, search)
        found = q.failure_groups(window, search, after, limit + 1)
        items = _Items(q, window, step, search, found[:limit])
        listed = [items.item(group, total) for group in found[:limit]]
        complete = not q.is_sealed(window)
    last = found[limit - 1] if len(found) > limit else None
    return Failures(
        start=to_text(window[0]),
        end=to_text(window[1]),
        step_ms=ms(step),
        failures=total,
        groups=groups,
        complete=complete,
        items=listed,
        next_cursor=None if last is None else write((*window, last.failures, last.last, last.fingerprint)),
    )


class _Items:
    """What the groups of one page show beside their counts, asked for all of them at once."""

    def __init__(self, q: Reading, window: Interval, step: int, search: Search, found: list[FailureGroup]) -> None:
        self._q = q
        self._search = search._replace(fingerprints=[group.fingerprint for group in found])
        self._buckets = -(-(window[1] - window[0]) // step)
        self._trend: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self._jobs: defaultdict[str, list[FailedJob]] = defaultdict(list)
        self._before: dict[str, int] = {}
        if not found:
            return
        for name, bucket, count in q.failure_trend(window, step, self._search):
            self._trend[name][bucket] = count
        for name, (service, job), count in q.failure_jobs(window, self._search):
            self._jobs[name].append(FailedJob(service, job or None, count))
        width = window[1] - window[0]
        for name, _, count in q.failure_trend((window[0] - width, window[0]), width, self._search):
            self._before[name] = count

    def item(self, group: FailureGroup, total: int) -> FailureItem:
        """Write one group as answers show it."""
        name = group.fingerprint
        example = self._q.failed_last(name, group.last, self._search)
        before = self._before.get(name, 0)
        return FailureItem(
            fingerprint=name,
            failures=group.failures,
            share=group.failures / total,
            first_seen=to_text(group.first),
            last_seen=to_text(group.last),
            trend=[self._trend[name].get(bucket, 0) for bucket in range(self._buckets)],
            before=before,
            change=(group.failures - before) / before if before else None,
            jobs=self._jobs[name][:MOST_JOBS],
            jobs_total=len(self._jobs[name]),
            example=None if example is None else run_item(example),
        )
