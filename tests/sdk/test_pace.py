import itertools

from hypothesis import given
from hypothesis import strategies as st

import taskscope
from taskscope.sdk.pace import INTERVAL_S, Pace
from tests.sdk.processes import Reader

steps = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 3)), min_size=1, max_size=60)


@given(steps)
def test_what_is_recorded_is_at_most_one_a_second_and_the_last_is_never_lost(
    reports: list[tuple[float, float]],
) -> None:
    pace = Pace()
    now_s = 100.0
    admitted: list[tuple[float, float]] = []
    for progress, passed_s in reports:
        now_s += passed_s
        if pace.admits(progress, now_s):
            admitted.append((now_s, progress))
    assert admitted[0] == (100.0 + reports[0][1], reports[0][0])
    for (before_s, _), (after_s, progress) in itertools.pairwise(admitted):
        assert progress == 1.0 or after_s - before_s >= INTERVAL_S
    assert (admitted[-1][1] if pace.waiting is None else pace.waiting) == reports[-1][0]


def test_the_end_goes_through_at_once_and_only_once() -> None:
    pace = Pace()
    assert pace.admits(0.1, 5.0)
    assert not pace.admits(0.2, 5.1)
    assert pace.admits(1.0, 5.2)
    assert [pace.admits(progress, 5.3) for progress in (1.0, 0.5, 1.0)] == [False, False, False]
    assert pace.waiting is None


def test_a_loop_that_reports_each_step_leaves_few_records(scope: taskscope.Scope, reader: Reader) -> None:
    with scope.run("job") as run:
        for step in range(10_000):
            run.progress(step / 20_000)
    started, first, *others, ended = reader.tasks()
    assert (started["type"], first["data"]) == ("task.started", {"progress": 0.0})
    assert len(others) <= 5  # one a second, should this machine be that slow
    assert (ended["type"], ended["data"]) == ("task.succeeded", {"progress": 9_999 / 20_000})


def test_progress_outside_of_the_run_is_no_progress_of_it(scope: taskscope.Scope, reader: Reader) -> None:
    run = scope.run("job")
    run.progress(0.5)
    with run:
        pass
    run.progress(0.6)
    assert [fact["type"] for fact in reader.tasks()] == ["task.started", "task.succeeded"]
