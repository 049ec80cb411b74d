"""The benchmark of recording measures what it says: its counts and accounts are checked, its times are not."""

import os
from pathlib import Path

import pytest

from benchmarks import costs, kills, memory, subjects
from tests.docs.pages import coded, read

OURS = ("taskscope_started", "taskscope_run", "taskscope_task")


@pytest.fixture
def without_peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for peer in ("prometheus_client", "opentelemetry"):
        (tmp_path / f"{peer}.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)


def test_every_call_that_is_timed_is_found_in_the_spool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "SUBJECTS", {name: subjects.SUBJECTS[name] for name in ("os_write_200", *OURS)})
    found = costs.measure(200)
    assert {name: one["kept"] for name, one in found["subjects"].items()} == dict.fromkeys(("os_write_200", *OURS), 200)
    assert found["ratios"].keys() == {"taskscope_started / os_write_200"}


def test_a_kill_is_seen_in_what_a_thread_had_not_yet_written_and_costs_taskscope_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kills, "NAMES", ("taskscope_started", "queue_and_thread"))
    monkeypatch.setattr(kills, "PACES", {"fast": 0})
    found = kills.measure(1)["fast"]
    assert found["taskscope_started"]["facts"] > 0
    assert found["taskscope_started"]["lost"] == 0
    assert found["queue_and_thread"]["lost"] > 0


def test_every_subject_and_every_figure_is_documented() -> None:
    death = kills._summary([{"accounted": 1, "lost": 0, "before_the_kill": 0}])
    figures = {*costs._summary([1.0]), *death, *death["lost_per_kill"], *kills.PACES}
    assert {*subjects.SUBJECTS, *figures} <= coded(read("benchmarks.md"))


@pytest.mark.usefixtures("without_peers")
def test_a_peer_that_is_not_installed_is_named_and_the_rest_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SUBJECTS", ("taskscope_started", "prometheus", "opentelemetry_span"))
    found = memory.measure(10)["subjects"]
    assert "missing" not in found["taskscope_started"]
    assert found["prometheus"] == {"missing": "ImportError: not here"}
    assert found["opentelemetry_span"] == {"missing": "ImportError: not here"}
