"""The benchmark of Celery measures what it says: its counts are checked, its times are not."""

import pytest

from benchmarks import celery_tasks
from tests.docs.pages import coded, read
from tests.integrations.processes import REDIS, redis_prefix


def test_every_task_that_is_timed_is_recorded_and_every_figure_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery_tasks, "ROUNDS", 2)
    monkeypatch.setattr(celery_tasks, "WARM_UP", 3)
    monkeypatch.setattr(celery_tasks, "BROKER", REDIS)
    with redis_prefix():
        found = celery_tasks.measure(8)
    assert (found["tasks"], found["recorded"]) == (8, 8 + 3 + 1)
    figures = {key for part in ("sender", "worker", "both") for key in found[part]} - set(celery_tasks.WAYS)
    assert figures | (found.keys() - {"tasks"}) <= coded(read("benchmarks.md"))


def test_without_a_broker_the_result_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery_tasks, "BROKER", "redis://127.0.0.1:1/0")
    assert "ConnectionError" in celery_tasks.measure(1)["missing"]
