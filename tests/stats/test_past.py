"""Tasks that changed after a window are found from either side: from its tasks, or from what came later."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from taskscope.core.clock import HOUR
from taskscope.ports import Filter
from taskscope.store.postgres import questions as postgres
from taskscope.store.sqlite import questions as sqlite
from tests.stats.story import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskscope.ports import Questions, RunRow

EVER = (0, NOW * 2)


@pytest.mark.parametrize("where", [Filter(), Filter(jobs=["j1", "j2"], queues=["q0", "q1"])])
@pytest.mark.parametrize("of_window", [True, False])
def test_what_changed_after_a_window_is_what_all_rows_say(
    storied: Any, monkeypatch: pytest.MonkeyPatch, where: Filter, *, of_window: bool
) -> None:
    def chosen(_one: Callable[[int], int], _other: Callable[[int], int]) -> bool:
        return of_window

    monkeypatch.setattr(sqlite, "is_smaller", chosen)
    monkeypatch.setattr(postgres, "is_smaller", chosen)
    some = 0
    with storied.questions() as q:
        tasks, runs = list(q.tasks_between(EVER, where)), _runs_by_task(q)
        for end in range(NOW - 72 * HOUR + 7, NOW, 5 * HOUR):
            window = (end - 9 * HOUR, end)
            expected = {
                (task.service, task.task): sorted(runs[task.service, task.task])
                for task in tasks
                if window[0] <= task.first < end and any(_last(run) >= end for run in runs[task.service, task.task])
            }
            found = q.tasks_changed(window, where)
            assert {(task.service, task.task): sorted(map(_key, rows)) for task, rows in found} == expected
            some += len(expected)
    assert some > 10


Key = tuple[int, str, str, int, int, int]


def _runs_by_task(q: Questions) -> defaultdict[tuple[str, str], list[Key]]:
    found: defaultdict[tuple[str, str], list[Key]] = defaultdict(list)
    for run in q.touching([EVER], Filter()):
        found[run.service, run.task].append(_key(run))
    return found


def _key(run: RunRow) -> Key:
    return run.attempt, run.run, run.submission, run.submitted or 0, run.anchor, run.finish or 0


def _last(run: Key) -> int:
    return max(run[3:])
