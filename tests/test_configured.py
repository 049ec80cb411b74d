"""What the configuration says of jobs is recorded as facts, and has the last word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskscope import config, ingest, stats
from taskscope.configured import register
from taskscope.core.clock import MINUTE, SECOND
from taskscope.errors import UsageError
from taskscope.ports import Filter
from taskscope.stats import scheduling
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import START, deliver, fact

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
jobs:
  nightly: {service: pm, job_name: 夜间, owner: "ops", timeout_ms: 1000}
  hourly: {category: Reports, paused: true}
"""


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "store.db")


def settings(tmp_path: Path, text: str) -> config.Settings:
    (tmp_path / config.FILE_NAME).write_text(text, "utf-8")
    return config.load(str(tmp_path), environment={})


def test_the_file_has_the_last_word_and_repeats_itself_only_when_it_must(tmp_path: Path, store: SqliteStore) -> None:
    jobs = settings(tmp_path, FILE).jobs
    assert register(store, jobs, START) == 2
    assert register(store, jobs, START + SECOND) == 0
    deliver(
        store, [fact("job.registered", 60, job="nightly", service="pm", data={"owner": "app", "schedule": "@daily"})]
    )
    assert register(store, jobs, START + 2 * MINUTE) == 1
    hourly, nightly = scheduling.jobs(store, Filter())
    assert (nightly["owner"], nightly["job_name"], nightly["schedule"]) == ("ops", "夜间", "@daily")
    assert (hourly["category"], hourly["paused"], hourly["owner"]) == ("Reports", True, None)
    assert stats.verify(store)["differences"] == []


def test_a_configured_limit_times_runs_out(tmp_path: Path, store: SqliteStore) -> None:
    register(store, settings(tmp_path, FILE).jobs, START)
    deliver(store, [fact("task.started", 10, task="t", job="nightly", service="pm", worker="w")])
    ingest.sweep(store, START + 20 * SECOND)
    assert stats.stats(store, Filter())["timed_out"] == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("jobs: [a]", "write the fields of a job under its name"),
        ("jobs: {a: {colour: red}}", "'colour' is no field of a job; use one of service, job_name"),
        ("jobs: {a: {timeout_ms: soon}}", "'a': data.timeout_ms"),
        ("jobs: {a: {service: 7}}", "'a': service"),
        ("jobs: {'': {owner: x}}", "write the fields of a job under its name"),
    ],
)
def test_what_makes_no_sense_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(UsageError, match=r"taskscope\.yaml: jobs") as refused:
        settings(tmp_path, text)
    assert named in str(refused.value)
