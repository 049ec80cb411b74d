"""The questions of the command line, on figures that can be checked by hand."""

import base64
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.facts import event, finished, ndjson

BEYOND = base64.urlsafe_b64encode(b'[99999999999999999999,"a","b",1,"",""]').decode().rstrip("=")


@pytest.fixture
def told(cli: Cli) -> Cli:
    """Three workers in the minute from 09:00: one is busy for 45 s, one for 10 s, one only present."""
    lines = [
        *finished("t1", 5, 50, job="draw", queue="gpu", worker="a"),
        *finished(
            "t2", 20, 30, "failed", job="draw", queue="gpu", worker="b", data={"error": {"type": "E", "message": "m"}}
        ),
        {
            **event("worker.heartbeat", "", 0),
            "task": None,
            "worker": "c",
            "boot": "boot-c",
            "data": {"queues": ["gpu"], "ttl_ms": 60000},
        },
        event("task.submitted", "t3", 40, job="write,read", queue="cpu"),
    ]
    cli.json("import", "-", stdin=ndjson(lines))
    return cli


def test_stats_counts_runs_and_tasks(told: Cli) -> None:
    answer = told.json("stats")
    assert [answer[name] for name in ("submitted", "succeeded", "failed", "pending", "running")] == [3, 1, 1, 1, 0]
    assert answer["success_rate"] == 0.5
    assert answer["duration_ms"]["avg"] == (45_000 + 10_000) / 2
    assert answer["wait_ms"]["max"] == 1000
    assert [job["job"] for job in answer["jobs"]] == ["draw", "write,read"]


@pytest.mark.parametrize(
    ("arguments", "submitted"),
    [
        (["--job", "draw"], 2),
        (["--job", r"write\,read"], 1),
        (["--job", r"draw,write\,read"], 3),
        (["--job", "draw", "--job", r"write\,read"], 3),
        (["--queue", "cpu"], 1),
        (["--endpoint", "cpu,gpu"], 3),
        (["--service", "other"], 0),
        (["--from", "2026-01-08T09:00:10Z"], 2),
        (["--from", "2026-01-08", "--to", "2026-01-08"], 3),
        (["--to", "2026-01-07"], 0),
        (["--to", "1767862805000"], 1),
    ],
)
def test_stats_is_asked_of_a_window_and_by_names(told: Cli, arguments: list[str], submitted: int) -> None:
    assert told.json("stats", *arguments)["submitted"] == submitted


def test_a_date_is_a_day_of_the_configured_zone(told: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKSCOPE_TIMEZONE", "Pacific/Kiritimati")  # 14 hours ahead: 23:00 of that day
    assert told.json("stats", "--from", "2026-01-08", "--to", "2026-01-08")["submitted"] == 3
    monkeypatch.setenv("TASKSCOPE_TIMEZONE", "Etc/GMT+12")  # 12 hours behind: the day before
    assert told.json("stats", "--from", "2026-01-08", "--to", "2026-01-08")["submitted"] == 0
    assert told.json("stats", "--from", "2026-01-07", "--to", "2026-01-07")["submitted"] == 3


def test_utilization_is_the_mean_over_active_and_idle_workers(told: Cli) -> None:
    answer = told.json("utilization", "--from", "2026-01-08T09:00:00Z", "--to", "2026-01-08T09:01:00Z")
    [bucket] = answer["buckets"]
    assert (bucket["active_workers"], bucket["idle_workers"]) == (2, 1)
    assert bucket["avg_utilization"] == pytest.approx((45 / 60 + 10 / 60 + 0) / 3)
    assert bucket["busy_ms"] == 55_000
    assert answer["peak_concurrency"] == {"max": 2, "first_at": "2026-01-08T09:00:20.000Z"}


@pytest.mark.parametrize(("step", "buckets"), [("1m", 3), ("30s", 6), ("250ms", 720), ("1h", 1), ("1.5m", 2)])
def test_utilization_has_every_bucket_of_the_window(told: Cli, step: str, buckets: int) -> None:
    window = ("--from", "2026-01-08T09:00:00Z", "--to", "2026-01-08T09:03:00Z")
    answer = told.json("utilization", *window, "--step", step)
    assert len(answer["buckets"]) == buckets
    assert sum(bucket["busy_ms"] for bucket in answer["buckets"]) == 55_000


def test_utilization_without_a_window_is_of_the_last_hour(told: Cli) -> None:
    assert len(told.json("utilization")["buckets"]) in {60, 61}
    assert len(told.json("utilization", "--to", "2026-01-08T09:03:00Z", "--step", "1h")["buckets"]) == 1
    assert told.json("utilization")["from"].endswith(":00.000Z")


def test_percentiles_are_of_a_job_and_of_the_newest(told: Cli) -> None:
    assert told.json("percentiles", "--job", "draw")["p50"] == 27_500
    assert told.json("percentiles", "--last", "1")["max"] == 45_000
    assert told.json("percentiles", "--job", "nothing") == {
        **dict.fromkeys(("avg", "min", "max", "p50", "p95", "p99")),
        "count": 0,
        "method": "exact",
    }


def test_runs_are_listed_by_pages_and_filtered(told: Cli) -> None:
    first = told.json("runs", "--limit", "2")
    rest = told.json("runs", "--limit", "2", "--cursor", first["next_cursor"])
    assert [item["task"] for item in first["items"] + rest["items"]] == ["t3", "t2", "t1"]
    assert rest["next_cursor"] is None
    for arguments, tasks in (
        (["--state", "failed"], ["t2"]),
        (["--state", "Pending,COMPLETED"], ["t3", "t1"]),
        (["--outcome", "succeeded"], ["t1"]),
        (["--worker", "a,b"], ["t2", "t1"]),
        (["--from", "2026-01-08T09:00:20Z"], ["t3", "t2"]),
        (["--to", "2026-01-08T09:00:20Z"], ["t1"]),
    ):
        assert [item["task"] for item in told.json("runs", *arguments)["items"]] == tasks
    [failed] = told.json("runs", "--outcome", "failed")["items"]
    assert failed["error"] == {"type": "E", "message": "m"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["stats", "--from", "yesterday"], ["--from", "'yesterday'", "RFC 3339", "-6h"]),
        (["stats", "--from", "2026-02-30"], ["--from", "'2026-02-30'"]),
        (["stats", "--to", "2026-01-08T09:00:00"], ["--to", "no offset", "add Z"]),
        (["stats", "--from", "-1h", "--to", "-2h"], ["--from -1h is not before --to -2h"]),
        (["stats", "--job", ""], ["job", "empty"]),
        (["stats", "--job", "a,,b"], ["job", "'a,,b'", "empty"]),
        (["stats", "--nothing"], ["--nothing"]),
        (["utilization", "--step", "1 minute"], ["--step", "'1 minute'", "1m"]),
        (["utilization", "--step", "0s"], ["--step", "'0s'"]),
        (["utilization", "--from", "2020-01-01", "--step", "1s"], ["buckets", "longer step"]),
        (["percentiles", "--last", "0"], ["--last"]),
        (["percentiles", "--last", "9" * 30], ["--last"]),
        (["runs", "--state", "done"], ["state", "'DONE'", "PENDING"]),
        (["runs", "--outcome", "ok"], ["outcome", "'ok'", "succeeded"]),
        (["runs", "--limit", "1001"], ["--limit", "1000"]),
        (["runs", "--cursor", "abc"], ["cursor"]),
        (["runs", "--cursor", BEYOND], ["cursor"]),
        (["runs", "--job", "\udcff"], ["job", "UTF-8"]),
        (["tick", "--at", "soon"], ["--at", "'soon'"]),
        (["stats", "--store", "clickhouse://db/x"], ["clickhouse", "not work yet", "sqlite:///"]),
        (["stats", "--store", "mongodb://db/x"], ["mongodb", "sqlite:///"]),
        (["stats", "--store", "sqlite:////no/such/folder/x.db"], ["/no/such/folder", "four slashes"]),
        (["nothing"], ["nothing"]),
        (["import"], ["FILE"]),
    ],
)
def test_wrong_use_ends_with_2_and_one_line_that_helps(cli: Cli, arguments: list[str], words: list[str]) -> None:
    answer = cli(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    for word in words:
        assert word in answer.err
    assert "Traceback" not in answer.err


def test_answers_for_reading_are_plain_text_that_moves_no_cursor(cli: Cli) -> None:
    cli.json("import", "-", stdin=ndjson(finished("t[red]1", 5, 50, job="evil\u001b[2J\r", worker="w")))
    for command in (["stats"], ["runs"], ["percentiles"], ["utilization", "--to", "2026-01-08T09:01:00Z"]):
        answer = cli(*command)
        assert answer.code == 0
        assert not {"\x1b", "\r"} & set(answer.out)
    assert "t[red]1" in cli("runs").out


def test_an_empty_store_has_an_answer_for_every_question(cli: Cli) -> None:
    for command in ("stats", "utilization", "percentiles", "runs", "verify", "export", "doctor"):
        assert cli(command).code == 0
        assert cli.json(command)


def test_another_store_is_a_file_of_its_own(cli: Cli, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path}/other.db"
    cli.json("import", "--store", other, "-", stdin=ndjson(finished("t", 5, 6)))
    assert cli.json("stats")["submitted"] == 0
    assert cli.json("stats", "--store", other)["submitted"] == 1


def test_the_home_and_all_that_is_in_it_are_for_its_owner_alone(cli: Cli) -> None:
    cli.json("stats")
    assert cli.home.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o077 for file in cli.home.iterdir()} == {0}


def test_a_file_that_is_no_store_is_refused_in_one_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is no database, but long enough to look like one " * 20)
    answer = cli("stats", "--store", f"sqlite:///{tmp_path}/text")
    assert answer.code == 1
    assert "text" in answer.err
    assert "Traceback" not in answer.err


def test_a_home_that_is_a_file_is_wrong_use(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = cli("stats", home=tmp_path / "file")
    assert answer.code == 2
    assert "--home" in answer.err
