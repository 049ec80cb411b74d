"""Reading from Python: a home, a store and a server give the same answers, and each trouble its own error."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import taskscope
from taskscope import app, config
from taskscope.core.clock import HOUR
from taskscope.core.wire import wire_form
from taskscope.errors import AccessDeniedError, ServerAwayError, UsageError
from taskscope.testing import START, a_run, deliver, fact
from tests.cli.facts import ndjson
from tests.postgres import Schemas
from tests.sdk.servers import Reply, running
from tests.server.conftest import Server

ODD = "a, b\\c"
FACTS = [
    *[f for n in range(20) for f in a_run(f"t{n}", n, n / 4, ("succeeded", "failed")[n % 3 == 0], job="j", worker="w")],
    *a_run("odd", 3, 2, job=ODD, queue="q,q", service="shop"),
    fact("job.registered", 0, job="j", data={"owner": "ops", "job_name": "The job"}),
    fact("job.registered", 0, job="idle"),
]
START_TEXT, END = "2026-01-08T08:00:00Z", datetime.fromtimestamp((START + HOUR) / 1e6, UTC)


def answers(reader: taskscope.Reader) -> dict[str, Any]:
    """Ask everything that can be asked."""
    first = reader.runs(job="j", outcome=["failed", "lost"], limit=3)
    return {
        "one": reader.statistics("j"),
        "sample": reader.statistics("j", sample=5),
        "odd": reader.statistics(ODD),
        "unknown": reader.statistics("unknown"),
        "all": reader.all_statistics(),
        "summary": reader.summary(),
        "window": reader.summary(START_TEXT, END, job=["j", ODD], service="default"),
        "utilization": reader.utilization(START_TEXT, END, step="10m"),
        "percentiles": reader.percentiles(job="j", last=7),
        "exact": reader.percentiles(START_TEXT, END, exact=True),
        "runs": first,
        "next": reader.runs(job="j", outcome=["failed", "lost"], limit=3, cursor=first["next_cursor"]),
        "queue": reader.runs(queue="q,q", state="COMPLETED"),
    }


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of a store that holds the facts."""
    if request.param == "postgres":
        schemas: Schemas = request.getfixturevalue("schemas")
        url = schemas.url("read")
    else:
        url = f"sqlite:///{tmp_path / 'read.db'}"
    with closing(app.open_store(config.load(str(tmp_path / "home"), url))) as opened:
        deliver(opened, FACTS, now=app.now_us())  # received today, so that a server keeps them
    return url


def test_a_store_and_a_server_give_the_same_answers(store: str, tmp_path: Path) -> None:
    with taskscope.reader(store=store) as reader:
        local = answers(reader)
    server = Server(tmp_path / "home", "--store", store)
    try:
        with taskscope.reader(url=server.ready["url"]) as reader:
            assert answers(reader) == local
    finally:
        server.stop()
    one = local["one"]
    lengths = sorted(n / 4 * 1000 for n in range(20))
    assert (one["success_count"], one["failure_count"], one["total_runs"]) == (13, 7, 20)
    assert (one["min_duration_ms"], one["max_duration_ms"]) == (lengths[0], lengths[-1])
    assert one["avg_duration_ms"] == pytest.approx(sum(lengths) / 20)
    assert (one["owner"], one["job_name"], one["sample_count"]) == ("ops", "The job", 20)
    assert local["sample"]["sample_count"] == 5
    assert local["odd"]["total_runs"] == 1
    assert local["unknown"] is None
    assert sorted(local["all"]) == sorted([ODD, "idle", "j"])
    assert local["all"]["idle"]["avg_duration_ms"] is None
    assert local["window"]["submitted"] == 20
    assert [run["task"] for run in local["runs"]["items"] + local["next"]["items"]] == [
        *("t18", "t15", "t12", "t9", "t6", "t3")
    ]
    assert [run["task"] for run in local["queue"]["items"]] == ["odd"]


def test_the_home_of_this_process_is_asked_with_what_was_just_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKSCOPE_HOME", str(tmp_path / "home"))
    with closing(taskscope.connect("shop")) as scope:
        for _ in range(3):
            with scope.run("draw", queue="paper"):
                pass
        found = taskscope.statistics("draw")
        assert found is not None
        assert (found["success_count"], found["last_status"]) == (3, "success")
        with scope.run("draw", queue="paper"):
            pass
        assert taskscope.all_statistics()["draw"]["success_count"] == 4


def test_the_server_of_the_environment_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(tmp_path / "home")
    try:
        body = ndjson(wire_form(event) for event, _ in FACTS)
        server.client.post("/api/v1/events", content=body, headers={"Content-Type": "application/x-ndjson"})
        monkeypatch.setenv("TASKSCOPE_URL", server.ready["url"])
        found = taskscope.statistics("j")
        assert found is not None
        assert found["total_runs"] == 20
        with taskscope.reader() as reader, pytest.raises(UsageError, match="is no time"):
            reader.summary("yesterday or so")
    finally:
        server.stop()
    with pytest.raises(ServerAwayError, match="can't be reached"):
        taskscope.statistics("j")


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, b'{"detail": "who are you?"}', AccessDeniedError, "who are you.*give a token that may read"),
        (403, b"", AccessDeniedError, "403"),
        (400, b'{"code": 400, "message": "from is no time", "data": null}', UsageError, "^from is no time$"),
        (503, b'{"detail": "busy"}', ServerAwayError, "busy"),
        (200, b"<html>", ServerAwayError, "is it a Taskscope server"),
        (302, b"", ServerAwayError, "302"),
    ],
)
def test_what_a_server_says_instead_of_an_answer_is_told_by_its_own_error(
    status: int, body: bytes, kind: type[Exception], said: str
) -> None:
    with running() as server:
        server.behave = lambda _: Reply(status, body)
        with pytest.raises(kind, match=said):
            taskscope.all_statistics(url=server.url, token="secret")
        assert server.requests[0].headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda home: taskscope.statistics("j", home=home), "there is no store at"),
        (lambda home: taskscope.statistics("j", home=home, url="http://127.0.0.1:1"), "name one of them"),
        (lambda home: taskscope.statistics("j", home=home, token="t"), "names a server|a token opens a server"),
        (lambda home: taskscope.statistics("j", url="ftp://x"), "begins with 'ftp'"),
        (lambda home: taskscope.statistics("j", store="mysql://x"), "names no store"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_remedy(
    wrong: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        wrong(tmp_path / "none")
    assert not (tmp_path / "none").exists(), "a question makes no home"


def test_questions_that_make_no_sense_are_refused_by_both(store: str) -> None:
    with taskscope.reader(store=store) as reader:
        questions: tuple[Callable[[], object], ...] = (
            lambda: reader.runs(colour="red"),
            lambda: reader.runs(limit=0),
            lambda: reader.runs(state="LAZY"),
            lambda: reader.statistics("j", sample=0),
            lambda: reader.summary(END.replace(tzinfo=None)),
            lambda: reader.utilization(step="soon"),
        )
        for question in questions:
            with pytest.raises(UsageError):
                question()


def test_importing_taskscope_loads_nothing_that_reads() -> None:
    script = """
import sys, taskscope
heavy = {"numpy", "litestar", "sqlite3", "psycopg", "yaml", "taskscope.app", "taskscope.reading"}
print(sorted(heavy & sys.modules.keys()), callable(taskscope.statistics), "taskscope.reading" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True True"
