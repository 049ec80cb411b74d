"""The doctor finds what is wrong, says what to do, and never breaks over it."""

import fcntl
import json
import os
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import taskscope
from taskscope import app
from taskscope.cli import checks
from tests.cli.conftest import Cli
from tests.cli.facts import event, finished, ndjson
from tests.server.conftest import Server

CHECKS = (
    "versions",
    "home",
    "disk",
    "store",
    "spool",
    "server",
    "mark",
    "clock",
    "refused",
    "remote",
    "access",
    "logs",
)


@pytest.fixture(autouse=True)
def no_remote(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TASKSCOPE_URL", raising=False)
    monkeypatch.setattr(checks, "_ANSWER_S", 0.5)


def found(cli: Cli, check: str, level: str) -> str:
    """Ask the doctor, and give what one check says at a level."""
    answer = cli("doctor", "--json")
    findings = answer.json["findings"]
    bad = [one for one in findings if one["level"] == "bad"]
    assert answer.code == bool(bad)
    assert answer.json["ok"] == (not bad)
    assert answer.json["problems"] == [{"what": one["what"], "remedy": one["remedy"]} for one in bad]
    assert all(one["remedy"] for one in findings if one["level"] != "ok")
    assert cli("doctor").code == answer.code
    return "; ".join(one["what"] for one in findings if one["check"] == check and one["level"] == level)


def now_ms(ahead_s: float = 0) -> int:
    return round((time.time() + ahead_s) * 1000)


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Hold a home as a server does that does nothing."""
    with app.Home(home).serving():
        yield


def test_everything_is_looked_at_and_well_where_nothing_is(cli: Cli) -> None:
    answer = cli.json("doctor")
    assert tuple(one["check"] for one in answer["findings"]) == CHECKS
    assert {one["level"] for one in answer["findings"]} == {"ok"}
    assert cli("doctor").out.rstrip().endswith("Nothing is wrong.")


@pytest.mark.parametrize("content", [b"text, and no database at all", b"SQLite format 3\0" + b"\0" * 200])
def test_a_file_that_is_no_store_is_bad(cli: Cli, content: bytes) -> None:
    cli.home.mkdir()
    (cli.home / "taskscope.db").write_bytes(content)
    assert "can't be read as a store" in found(cli, "store", "bad")


def test_a_store_that_is_damaged_or_newer_is_bad(cli: Cli) -> None:
    cli.json("import", "-", stdin=ndjson(event("task.submitted", str(n), n) for n in range(500)))
    path = cli.home / "taskscope.db"
    store = sqlite3.connect(path)
    [root] = store.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'run'").fetchone()
    [version] = store.execute("PRAGMA user_version").fetchone()
    store.execute("PRAGMA user_version = 999")
    store.close()
    assert "newer version (schema 999" in found(cli, "store", "bad")
    store = sqlite3.connect(path)
    store.execute(f"PRAGMA user_version = {version}")
    store.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 8192)
        file.write(b"\xff" * 8192)
    assert "damaged" in found(cli, "store", "bad") + found(cli, "store", "bad").replace("can't be read", "damaged")


def test_a_store_that_others_may_read_is_doubtful(cli: Cli) -> None:
    cli.json("stats")
    (cli.home / "taskscope.db").chmod(0o644)
    assert "others may read" in found(cli, "store", "warn")


def test_a_token_of_the_admin_that_others_may_read_is_bad(cli: Cli) -> None:
    cli.home.mkdir(0o700)
    (cli.home / "admin.token").write_text("taskscope_x")
    (cli.home / "admin.token").chmod(0o644)
    assert "they may do everything" in found(cli, "access", "bad")
    (cli.home / "admin.token").chmod(0o600)
    assert "owner alone" in found(cli, "access", "ok")


def test_what_was_never_swept_is_doubtful_without_a_server_and_bad_with_one(cli: Cli) -> None:
    cli.json("import", "-", stdin=ndjson(finished("t", 5, 6)))
    assert "nothing was ever swept" in found(cli, "mark", "warn")
    with held(cli.home):
        assert "does not sweep" in found(cli, "mark", "bad")
    cli.json("tick")
    assert "last sweep" in found(cli, "mark", "ok")
    cli.json("tick", "--at", "+1h")
    assert "ahead of the clock" in found(cli, "mark", "warn")


def test_clocks_that_disagree_are_named(cli: Cli) -> None:
    lines = [
        event("task.submitted", "s", 0) | {"time": now_ms(-1)},
        event("task.started", "s", 0, run="r") | {"time": now_ms(-3)},
    ]
    cli.json("import", "-", stdin=ndjson(lines))
    assert "1 runs since yesterday started before" in found(cli, "clock", "warn")
    cli.json("import", "-", stdin=ndjson([event("task.started", "f", 0, run="r") | {"time": now_ms(300)}]))
    assert "to come" in found(cli, "clock", "warn")
    cli("import", "-", stdin=ndjson([event("task.started", "g", 0, run="r") | {"time": now_ms(1_000)}]))
    assert "1 facts were refused" in found(cli, "clock", "warn")
    assert found(cli, "refused", "ok")


def test_facts_that_were_refused_are_counted_by_reason(cli: Cli) -> None:
    for kind in ("task.submitted", "task.started"):
        cli("import", "-", stdin=ndjson([event(kind, "t", 0) | {"id": "same"}]))
    assert "1 as conflict" in found(cli, "refused", "warn")


def test_a_spool_that_nobody_drains_and_torn_records_are_named(cli: Cli) -> None:
    scope = taskscope.connect(home=cli.home, worker="w")
    scope.submitted("draw")
    assert "wait" in found(cli, "spool", "ok")
    [segment] = (cli.home / "spool").glob("*.seg")
    os.utime(segment, (time.time() - 500,) * 2)
    with held(cli.home):
        assert "the oldest since 500 s" in found(cli, "spool", "bad")
    (cli.home / "spool" / "torn").mkdir()
    (cli.home / "spool" / "torn" / "1-x.seg-0").write_bytes(b"half")
    assert "1 records were torn" in found(cli, "spool", "warn")
    scope.close()


def test_logs_that_can_not_be_written_are_bad(cli: Cli) -> None:
    cli.home.mkdir()
    (cli.home / "logs").write_text("no folder")
    assert "can't be written" in found(cli, "logs", "bad")


def test_a_disk_that_is_almost_full_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_LITTLE_BYTES", 1 << 60)
    assert "MiB are free" in found(cli, "disk", "warn")
    monkeypatch.setattr(checks, "_NO_BYTES", 1 << 60)
    assert "MiB are free" in found(cli, "disk", "bad")


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> Any:
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setitem(checks.CHECKS, "disk", broken)
    assert "ZeroDivisionError: unforeseen" in found(cli, "disk", "bad")
    assert found(cli, "logs", "ok")


def test_a_server_that_answers_is_well_and_one_that_hangs_is_bad(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(cli.home)
    try:
        assert server.ready["url"] in found(cli, "server", "ok")
        monkeypatch.setenv("TASKSCOPE_URL", server.ready["url"] + "/")
        assert "answers" in found(cli, "remote", "ok")
        server.process.send_signal(signal.SIGSTOP)
        assert "does not answer" in found(cli, "server", "bad")
    finally:
        server.process.send_signal(signal.SIGCONT)
        server.stop()
    assert "no server holds this home" in found(cli, "server", "ok")


@pytest.mark.parametrize("form", ["http://me:hunter2@127.0.0.1:{port}", "hunter2", "http://[hunter2", "ftp://hunter2/"])
def test_an_address_that_does_not_answer_is_bad_and_shown_to_nobody(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("TASKSCOPE_URL", form.format(port=silent.getsockname()[1]))
        said = found(cli, "remote", "bad")
        assert "does not answer" in said
        assert "hunter2" not in cli("doctor").out + json.dumps(cli("doctor", "--json").json)


def test_a_home_of_another_user_is_bad(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.home.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    assert "belongs to uid" in found(cli, "home", "bad")


def test_the_doctor_waits_for_nobody_who_holds_the_drain(cli: Cli) -> None:
    taskscope.connect(home=cli.home, worker="w").submitted("draw")
    with (cli.home / "spool" / "drain.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "wait" in found(cli, "spool", "ok")
