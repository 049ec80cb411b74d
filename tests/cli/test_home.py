"""What commands do with a home: draining its spool, ticking, looking it over."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import taskscope
from taskscope.app import SERVE_LOCK
from taskscope.sdk.framing import frame
from tests.cli.conftest import Cli
from tests.cli.facts import event, finished, ndjson


def record(home: Path, *tasks: str) -> None:
    """Let an application record some runs."""
    scope = taskscope.connect("shop", home=home, worker="w")
    for task in tasks:
        with scope.run("draw", task_id=task):
            pass
    scope.close()


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Hold the home as a server does."""
    home.mkdir(mode=0o700, exist_ok=True)
    with (home / SERVE_LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_question_counts_what_was_recorded_a_moment_ago(cli: Cli) -> None:
    record(cli.home, "t1", "t2")
    answer = cli.json("stats")
    assert (answer["succeeded"], answer["jobs"][0]["job"], answer["jobs"][0]["service"]) == (2, "draw", "shop")
    assert cli.json("runs")["items"][0]["worker"] == "w"
    assert cli.json("verify")["differences"] == []


def test_a_question_leaves_the_spool_to_the_server_that_holds_the_home(cli: Cli) -> None:
    record(cli.home, "t1")
    with held(cli.home):
        assert cli.json("stats")["succeeded"] == 0
    assert cli.json("stats")["succeeded"] == 1


def test_a_refused_record_is_kept_with_its_reason_and_holds_up_nothing(cli: Cli) -> None:
    spool = cli.home / "spool"
    spool.mkdir(parents=True, mode=0o700)
    records = [
        json.dumps(event("task.submitted", "good", 0)),
        json.dumps(event("task.submitted", "bad", 0, attempt=0)),
        "no JSON at all",
        json.dumps({**event("task.submitted", "later", 0), "time": "2999-01-01T00:00:00Z"}),
    ]
    (spool / "someone.seg").write_bytes(b"".join(frame(record.encode()) for record in records))
    assert cli.json("stats")["submitted"] == 1
    path = spool / "rejected" / "rejected.ndjson"
    refused = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(one["record"] for one in refused) == sorted(records[1:])
    assert all(one["error"] and one["at"].endswith("Z") for one in refused)
    assert path.stat().st_mode & 0o777 == 0o600
    found = cli("doctor", "--json")
    assert found.code == 1
    assert "refused" in found.json["problems"][0]["what"]


def test_a_tick_moves_the_mark_and_what_is_due_by_it(cli: Cli) -> None:
    started = event("task.started", "t", 0, run="r", worker="w", data={"timeout_ms": 60_000})
    cli.json("import", "-", stdin=ndjson([started]))
    before = cli.json("tick", "--at", "2026-01-08T09:00:30Z")
    assert (before["at"], before["mark"]) == ("2026-01-08T09:00:30.000Z",) * 2
    assert cli.json("stats")["running"] == 1
    after = cli.json("tick", "--at", "2026-01-08T09:02:00Z")
    assert after["seen"] == 1
    assert after["retention"]
    assert cli.json("stats")["timed_out"] == 1
    earlier = cli.json("tick", "--at", "2026-01-08T09:01:00Z")
    assert earlier["mark"] == "2026-01-08T09:02:00.000Z"  # it never falls


def test_a_question_never_sweeps(cli: Cli) -> None:
    started = event("task.started", "t", 0, run="r", worker="w", data={"timeout_ms": 60_000})
    cli.json("import", "-", stdin=ndjson([started]))
    assert cli.json("stats")["running"] == 1
    assert cli.json("verify")["differences"] == []
    assert cli.json("runs")["items"][0]["state"] == "PROCESSING"


def test_a_tick_takes_what_was_recorded_and_refuses_nothing_of_it_in_the_past(cli: Cli) -> None:
    record(cli.home, "t1")
    cli.json("tick", "--at", "2020-01-01")
    assert cli.json("stats")["succeeded"] == 1


def test_a_tick_refuses_while_a_server_holds_the_home(cli: Cli) -> None:
    with held(cli.home):
        answer = cli("tick")
    assert answer.code == 1
    assert "a server holds the home" in answer.err


def test_verify_ends_with_1_where_cells_are_not_what_the_facts_say(cli: Cli) -> None:
    import sqlite3  # noqa: PLC0415 - only to do damage

    cli.json("import", "-", stdin=ndjson(finished("t", 5, 6, job="a", worker="w")))
    assert cli.json("verify")["differences"] == []
    store = sqlite3.connect(cli.home / "taskscope.db")
    assert store.execute("DELETE FROM worker_cell").rowcount > 0
    store.commit()
    store.close()
    for flags in ((), ("--json",)):
        assert cli("verify", *flags).code == 1


def test_the_doctor_finds_nothing_wrong_with_a_good_home_and_changes_nothing(cli: Cli) -> None:
    missing = cli.json("doctor")
    assert (missing["ok"], missing["home"]["exists"], missing["store"]["schema"]) == (True, False, None)
    assert not cli.home.exists()
    record(cli.home, "t1")
    found = cli.json("doctor")
    assert found["spool"]["segments"] == 2  # heartbeats have one of their own
    assert found["spool"]["bytes"] > 0
    cli.json("stats")
    found = cli.json("doctor")
    assert found["spool"] == {"segments": 0, "bytes": 0, "rejected": 0, "unreadable": 0, "rejected_bytes": 0}
    assert found["store"]["schema"] >= 1


def test_the_doctor_names_a_home_that_others_may_write(cli: Cli) -> None:
    cli.json("stats")
    cli.home.chmod(0o777)
    answer = cli("doctor")
    assert answer.code == 1
    assert f"chmod go-w {cli.home}" in answer.out
