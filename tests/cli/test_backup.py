"""Copies of the store by command: made and taken back while a server works."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import taskscope
from taskscope import app
from tests.cli.conftest import Cli
from tests.cli.facts import event, finished, ndjson
from tests.server.conftest import Server, wait_for

HEADERS = {"Content-Type": "application/x-ndjson"}


def runs(job: str, count: int) -> bytes:
    return ndjson(fact for n in range(count) for fact in finished(f"{job}{n}", n, n + 1, job=job, worker=job))


def shown(cli: Cli) -> tuple[Any, Any]:
    assert cli.json("verify")["differences"] == []
    return cli.json("stats"), cli.json("export")["events"]


@pytest.fixture
def server(cli: Cli) -> Iterator[Server]:
    server = Server(cli.home)
    yield server
    server.stop()


def test_a_backup_holds_what_was_recorded_and_restores_to_the_same_answers(cli: Cli, tmp_path: Path) -> None:
    cli.json("import", "-", stdin=runs("a", 5))
    file = tmp_path / "copy.db"
    made = cli.json("backup", file)
    assert made == {"file": str(file), "bytes": file.stat().st_size}
    assert file.stat().st_mode & 0o777 == 0o600
    before = shown(cli)
    cli.json("import", "-", stdin=runs("b", 3))
    after = shown(cli)
    assert after != before
    taken = cli.json("restore", file)
    assert shown(cli) == before
    assert Path(taken["before"]).parent == cli.home
    cli.json("restore", taken["before"])  # the wrong one: undone
    assert shown(cli) == after
    cli.json("restore", file, home=tmp_path / "new")
    assert shown(Cli(tmp_path / "new")) == before


def test_a_running_server_answers_from_what_was_restored_and_goes_on_with_it(
    cli: Cli, server: Server, tmp_path: Path
) -> None:
    other = Cli(tmp_path / "other")
    other.json("import", "-", stdin=runs("b", 3) + runs("a", 4))  # the names have other numbers there
    other.json("backup", tmp_path / "other.db")
    assert server.client.post("/api/v1/events", content=runs("a", 5), headers=HEADERS).json()["accepted"] == 15
    cli.json("backup", tmp_path / "own.db")
    cli.json("restore", tmp_path / "other.db")
    assert server.client.get("/api/v1/stats").json()["submitted"] == 7
    answer = server.client.post("/api/v1/events", content=runs("a", 9), headers=HEADERS).json()
    assert (answer["accepted"], answer["duplicates"]) == (15, 12)
    scope = taskscope.connect(home=cli.home, worker="w")
    scope.submitted("c")
    scope.close()
    wait_for(lambda: server.client.get("/api/v1/stats").json()["submitted"] == 13)
    by_job = {one["job"]: one["submitted"] for one in server.client.get("/api/v1/stats").json()["jobs"]}
    assert by_job == {"a": 9, "b": 3, "c": 1}
    assert cli.json("verify")["differences"] == []
    cli.json("restore", tmp_path / "own.db")
    assert server.client.get("/api/v1/stats").json()["submitted"] == 5


def test_a_file_that_is_there_is_replaced_only_by_force(cli: Cli, tmp_path: Path) -> None:
    cli.json("import", "-", stdin=runs("a", 1))
    file = tmp_path / "notes.txt"
    file.write_text("dear")
    refused = cli("backup", file)
    assert (refused.code, file.read_text()) == (2, "dear")
    assert "--force" in refused.err
    cli.json("backup", file, "--force")
    assert file.stat().st_mode & 0o777 == 0o600
    cli.json("restore", file)


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_the_store_is_no_copy_of_itself(cli: Cli, command: str) -> None:
    cli.json("import", "-", stdin=runs("a", 1))
    force = ["--force"] if command == "backup" else []
    refused = cli(command, cli.home / "taskscope.db", *force)
    assert refused.code == 2
    assert "the store itself" in refused.err
    assert cli.json("stats")["submitted"] == 1


def test_what_is_not_there_is_wrong_use(cli: Cli, tmp_path: Path) -> None:
    assert "no store" in cli("backup", tmp_path / "copy.db").err
    assert not cli.home.exists()
    assert cli("restore", tmp_path / "missing.db").code == 2
    cli.json("stats")
    assert cli("backup", tmp_path / "no" / "folder" / "copy.db").code == 2


def test_a_store_that_can_not_be_opened_makes_way_for_a_copy_unless_a_server_holds_it(cli: Cli, tmp_path: Path) -> None:
    cli.json("import", "-", stdin=runs("a", 2))
    cli.json("backup", tmp_path / "copy.db")
    (cli.home / "taskscope.db").write_bytes(b"ruined")
    with app.Home(cli.home).serving():
        refused = cli("restore", tmp_path / "copy.db")
    assert refused.code == 1
    assert "another server holds the home" in refused.err
    (tmp_path / "half.db").write_bytes((tmp_path / "copy.db").read_bytes()[:9_000])
    assert cli("restore", tmp_path / "half.db").code == 1
    assert (cli.home / "taskscope.db").read_bytes() == b"ruined"
    taken = cli.json("restore", tmp_path / "copy.db")
    assert Path(taken["before"]).read_bytes() == b"ruined"
    assert cli.json("stats")["submitted"] == 2


def test_what_waits_in_the_spool_comes_after_a_restored_copy(cli: Cli, tmp_path: Path) -> None:
    cli.json("import", "-", stdin=runs("a", 2))
    cli.json("backup", tmp_path / "copy.db")
    scope = taskscope.connect(home=cli.home, worker="w")
    scope.submitted("a")
    scope.close()
    cli.json("restore", tmp_path / "copy.db")
    assert cli.json("stats")["submitted"] == 3


def test_a_copy_of_nothing_restores_nothing(cli: Cli, tmp_path: Path) -> None:
    cli.json("stats")
    cli.json("backup", tmp_path / "empty.db")
    cli.json("import", "-", stdin=ndjson([event("task.submitted", "t", 0)]))
    answer = cli("restore", tmp_path / "empty.db")
    assert answer.code == 0
    assert "before-restore" in answer.out
    assert json.loads(cli("stats", "--json").out)["submitted"] == 0
