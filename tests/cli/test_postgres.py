"""The commands on PostgreSQL: the same answers as on the embedded store, and errors that keep the password."""

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Cli
from tests.cli.facts import event, finished, ndjson
from tests.postgres import SERVER, Schemas, require, run

WINDOW = ("--from", "2026-01-08T08:00:00Z", "--to", "2026-01-08T12:00:00Z")
QUESTIONS = [
    ("stats",),
    ("stats", *WINDOW),
    ("stats", "--job", "draw", "--queue", "gpu"),
    ("utilization", *WINDOW),
    ("utilization", *WINDOW, "--step", "7s", "--queue", "gpu"),
    ("percentiles",),
    ("percentiles", "--job", "draw", "--last", "2"),
    ("runs", "--limit", "3"),
    ("runs", "--state", "FAILED,COMPLETED", "--worker", "a,b"),
    ("verify",),
]


def facts() -> bytes:
    """Give facts whose texts differ in everything that databases may order or store differently."""
    lines = [
        *finished("t1", 5, 50, job="draw", queue="gpu", worker="a"),
        *finished("T1", 5, 50, job="draw", queue="gpu", worker="b"),
        *finished("ä", 5, 50, "failed", job="Zeichnen", queue="gpu", worker="a"),
        *finished("任务", 5, 50, job="绘图", queue="队列", worker="c", service="shop"),
        *finished("😀" * 125, 6, 7, job="😀" * 50, queue="%s ' \\ \t {}", worker='"'),
        {**event("worker.heartbeat", "", 0), "task": None, "worker": "c", "boot": "boot-c", "data": {"ttl_ms": 60000}},
        event("task.submitted", "t3", 40, job="draw", id="sixteen bytes id"),
        event("task.submitted", "t4", 40, job="draw", id="0199f5a0-7c1e-7b3a-9a54-0f6f3a2b1c00"),
        event("task.submitted", "t5", 40, job="draw", id="ÿ"),
        {**event("task.submitted", "t6", 40, job="draw"), "time": "9999-12-31T23:59:59Z"},
        {**event("task.submitted", "t7", 40, job="draw"), "time": "1970-01-01T00:00:00.000001Z"},
        event("task.output", "t1", 44, data={"outputs": 1_000_000, "text": "a\u0000b"}),
    ]
    return ndjson(lines)


def test_every_command_answers_the_same_on_both_stores(cli: Cli, tmp_path: Path, schemas: Schemas) -> None:
    other = ("--store", schemas.url("commands"))
    first, second = (cli("import", "-", "--json", *store, stdin=facts()) for store in ((), other))
    assert first.json == second.json
    assert first.json["rejected_total"] == 1  # of the year 9999
    assert (
        cli("tick", "--at", "2026-01-09T00:00:00Z", "--json").json
        == cli("tick", "--at", "2026-01-09T00:00:00Z", "--json", *other).json
    )
    for question in QUESTIONS:
        assert cli.json(*question) == cli.json(*question, *other), question
    page = cli.json("runs", "--limit", "2")["next_cursor"]
    assert cli.json("runs", "--cursor", page) == cli.json("runs", "--cursor", page, *other)
    assert cli("export").out == cli("export", *other).out
    assert len(cli("export").out.splitlines()) == first.json["accepted"]
    assert cli("import", "-", "--json", *other, stdin=facts()).json["accepted"] == 0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:s3cret@127.0.0.1:1/db", "Connection refused"),
        ("postgresql://me:s3cret@nowhere.invalid/db", "nowhere.invalid"),
        ("postgresql://me:hop@s3cret@127.0.0.1/db", "%40"),
        ("postgresql://me:hop/s3cret@127.0.0.1/db", "%2F"),
        ("postgresql://me:s3cret/hop@127.0.0.1/db", "%2F"),
        ("postgresql://me:hop?s3cret@127.0.0.1:1/db", "Connection refused"),
        ("postgresql://me:%s3cret@127.0.0.1/db", "%25"),
        ("postgresql://me:s3cret@[::1/db", "write postgresql://"),
        ("postgres:s3cret", "names no store"),
        ("mysql://me:s3cret@127.0.0.1/db", "names no store"),
        ("clickhouse://me:s3cret@127.0.0.1/db", "does not work yet"),
    ],
)
def test_a_url_that_leads_nowhere_is_an_error_without_the_password(cli: Cli, url: str, said: str) -> None:
    for command in (("stats",), ("doctor",)):
        answer = cli(*command, "--store", url)
        shown = answer.err + answer.out
        assert answer.code in (1, 2)
        assert said in shown
        assert "s3cret" not in shown
        assert "hop" not in shown


def test_a_role_or_database_that_does_not_exist_is_named_without_the_password(cli: Cli) -> None:
    require()
    base = SERVER.rpartition("@")[2].rpartition("/")[0]
    for url, said in (
        (f"postgresql://nobody_at_all:s3cret@{base}/postgres", "nobody_at_all"),
        (f"postgresql://postgres:s3cret@{base}/not_there_at_all", "not_there_at_all"),
    ):
        answer = cli("stats", "--store", url)
        assert answer.code == 1
        assert said in answer.err
        assert "s3cret" not in answer.err


def test_a_schema_of_somebody_else_is_left_alone(cli: Cli, schemas: Schemas) -> None:
    url = schemas.url("theirs")
    run(url, "CREATE TABLE task (mine TEXT)")
    answer = cli("stats", "--store", url)
    assert (answer.code, "search_path" in answer.err) == (1, True)
    with psycopg.connect(url) as connection:
        query = "SELECT relname FROM pg_class WHERE relnamespace = 'theirs'::regnamespace AND relkind = 'r'"
        assert connection.execute(query).fetchall() == [("task",)]


def test_a_store_of_a_newer_version_is_refused(cli: Cli, schemas: Schemas) -> None:
    schemas.open("newer")
    run(schemas.url("newer"), "UPDATE taskscope_schema SET version = 99")
    answer = cli("stats", "--store", schemas.url("newer"))
    assert (answer.code, "newer version (schema 99)" in answer.err) == (1, True)


def test_doctor_names_the_database_and_makes_nothing(cli: Cli, schemas: Schemas) -> None:
    url = schemas.url("doctor")
    before = cli.json("doctor", "--store", url)["store"]
    assert before["schema"] is None
    assert before["path"].startswith("127.0.0.1:5432/taskscope_test_")
    schemas.open("doctor")
    assert cli.json("doctor", "--store", url)["store"]["schema"] == 4


def test_without_psycopg_the_remedy_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "taskscope.store.postgres", None)
    answer = cli("stats", "--store", "postgresql://me@127.0.0.1/db")
    assert (answer.code, "taskscope[postgres]" in answer.err) == (2, True)


def test_the_embedded_store_does_not_load_psycopg(tmp_path: Path) -> None:
    code = (
        "import sys; from taskscope.cli import main; "
        f"main(['stats', '--json', '--home', {str(tmp_path / 'home')!r}], standalone_mode=False); "
        "assert not any(name.startswith('psycopg') for name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["submitted"] == 0
