"""Groups of failures are what a count of all runs by hand says, on every store."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest

from taskscope import stats
from taskscope.core.clock import DAY, HOUR
from taskscope.errors import UsageError
from taskscope.ports import Filter, Search, Store
from taskscope.testing import START
from tests.oracle import Row
from tests.stats.story import NOW, Told, text, told

WINDOWS = [
    (START, NOW),
    (START + DAY, START + 2 * DAY),
    (START + DAY + 17, START + 30 * HOUR + 5),
    (START - DAY, START),
]


def groups(story: Told, rows: list[Row]) -> dict[Any, list[Row]]:
    found: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[story.group(row)].append(row)
    return dict(found)


def brief(rows: list[Row], before: int, share: float) -> tuple[Any, ...]:
    """Describe a group by everything but its name."""
    jobs = Counter((row["service"], row["job"]) for row in rows)
    finishes = [row["finish"] for row in rows]
    return (len(rows), before, round(share, 9), text(min(finishes)), text(max(finishes)), tuple(sorted(jobs.items())))


@pytest.mark.parametrize("window", WINDOWS)
def test_groups_are_those_of_a_count_by_hand(storied: Store, window: tuple[int, int]) -> None:
    story = told()
    seen = stats.failures(storied, Search(), window, limit=200)
    rows = story.failed(*window)
    earlier = groups(story, story.failed(2 * window[0] - window[1], window[0]))
    expected = sorted(
        brief(own, len(earlier.get(name, ())), len(own) / len(rows)) for name, own in groups(story, rows).items()
    )
    found = [
        (
            item.failures,
            item.before,
            round(item.share, 9),
            item.first_seen,
            item.last_seen,
            tuple(sorted(((job.service, job.job), job.failures) for job in item.jobs)),
        )
        for item in seen.items
    ]
    assert sorted(found) == expected
    assert (seen.failures, seen.groups, seen.complete) == (len(rows), len(expected), True)
    assert [item.failures for item in seen.items] == sorted((item.failures for item in seen.items), reverse=True)
    for item in seen.items:
        assert sum(item.trend) == item.failures
        assert item.change == (None if not item.before else (item.failures - item.before) / item.before)
        assert item.example is not None
        assert (item.example.fingerprint, item.example.finished_at) == (item.fingerprint, item.last_seen)


def test_the_trend_counts_by_bucket(storied: Store) -> None:
    story = told()
    window = (START, START + 2 * DAY + 1)
    seen = stats.failures(storied, Search(), window, buckets=7)
    step = -(-(window[1] - window[0]) // 7)
    assert seen.step_ms * 1000 == step
    counted = Counter((row["finish"] - window[0]) // step for row in story.failed(*window))
    assert [sum(counts) for counts in zip(*(item.trend for item in seen.items), strict=True)] == [
        counted[bucket] for bucket in range(7)
    ]


def test_filters_narrow_what_is_grouped(storied: Store) -> None:
    story = told()
    window = (START, NOW)

    def count(**asked: Any) -> int:
        search = Search(Filter(**{key: asked.pop(key) for key in list(asked) if key in Filter._fields}), **asked)
        return stats.failures(storied, search, window).failures

    rows = story.failed(*window)
    assert count(services=["s2"]) == sum(row["service"] == "s2" for row in rows) > 0
    assert count(jobs=["j1", "j2"], queues=["q1"]) == sum(
        row["job"] in ("j1", "j2") and row["queue"] == "q1" for row in rows
    )
    assert count(workers=["w1"]) == sum(row["worker"] == "w1" for row in rows) > 0
    assert count(outcomes=["lost"]) == sum(row["outcome"] == "lost" for row in rows) > 0
    assert count(fingerprints=["f" * 16]) == sum(story.group(row) == 4 for row in rows) > 0
    assert count(text="CUDA OUT") == count(text="_used") == sum(story.group(row) == 2 for row in rows) > 0
    assert count(text="100%") == count(text="outofmemoryerror") == count(text="CUDA OUT")
    assert count(text="\\temp") == count(text="Ärger") == sum(story.group(row) == 3 for row in rows) > 0
    # Only ASCII letters have a case in every store, and wildcards stand for themselves.
    assert count(text="ärger") == count(text="100_") == count(text="%") - count(text="100%") == 0


def test_pages_hold_each_group_once_and_keep_their_window(storied: Store) -> None:
    window = (START, NOW)
    whole = [item.fingerprint for item in stats.failures(storied, Search(), window).items]
    paged, cursor = [], None
    while True:
        page = stats.failures(storied, Search(), window, cursor=cursor, limit=2)
        assert (page.start, page.end) == (text(START), text(NOW))
        paged += [item.fingerprint for item in page.items]
        cursor, window = page.next_cursor, (START + DAY, START + DAY + 1)
        if cursor is None:
            break
    assert paged == whole
    assert len(set(whole)) == len(whole) > 4


@pytest.mark.parametrize(("limit", "cursor"), [(0, None), (201, None), (5, "abc"), (5, "WzEsMl0")])
def test_a_page_that_can_not_be_is_refused(storied: Store, limit: int, cursor: str | None) -> None:
    with pytest.raises(UsageError):
        stats.failures(storied, Search(), (START, NOW), limit=limit, cursor=cursor)


def test_the_story_holds_every_kind_of_failure() -> None:
    story = told()
    assert {row["outcome"] for row in story.failed(START, NOW)} == {"failed", "timed_out", "lost"}
    assert len(groups(story, story.failed(START, NOW))) >= 7
