"""`taskscope runs` finds by what an error says, by labels and by the group of a failure."""

import pytest

from tests.cli.conftest import Cli
from tests.cli.facts import finished, ndjson


@pytest.fixture
def told(cli: Cli) -> Cli:
    lines = []
    for n, message in enumerate(["Disk /dev/sd1 is full", "disk /dev/sd2 is FULL", "100% of nothing", "Disk is full"]):
        data = {"error": {"type": "OSError", "message": message}, "labels": {"tenant": f"t{n % 2}", "zone": "a:1,b"}}
        lines += finished(f"t{n}", n, n + 1, "failed", job="j", data=data)
    cli.json("import", "-", stdin=ndjson([*lines, *finished("ok", 5, 6, job="j", data={"labels": {"tenant": "t1"}})]))
    return cli


@pytest.mark.parametrize(
    ("arguments", "tasks"),
    [
        (["--text", "DISK"], ["t3", "t1", "t0"]),
        (["--text", "oserror"], ["t3", "t2", "t1", "t0"]),
        (["--text", "0% of"], ["t2"]),
        (["--text", "%"], ["t2"]),
        (["--text", "_"], []),
        (["--text", "disk", "--label", "tenant:t1"], ["t3", "t1"]),
        (["--label", "tenant:t1"], ["ok", "t3", "t1"]),
        (["--label", "tenant:t1", "--label", r"zone:a:1\,b"], ["t3", "t1"]),
        (["--label", "tenant:t1", "--outcome", "succeeded"], ["ok"]),
        (["--label", "tenant:t"], []),
        (["--text", "disk", "--limit", "1"], ["t3"]),
    ],
)
def test_runs_are_found(told: Cli, arguments: list[str], tasks: list[str]) -> None:
    assert [item["task"] for item in told.json("runs", *arguments)["items"]] == tasks


def test_failures_of_one_kind_are_found_by_their_fingerprint(told: Cli) -> None:
    items = told.json("runs", "--outcome", "failed")["items"]
    of = {item["task"]: item["fingerprint"] for item in items}
    assert of["t0"] != of["t2"]
    for task, fingerprint in of.items():
        found = [item["task"] for item in told.json("runs", "--fingerprint", fingerprint)["items"]]
        assert task in found
        assert all(of[one] == fingerprint for one in found)


def test_a_search_goes_on_behind_its_cursor(told: Cli) -> None:
    first = told.json("runs", "--text", "disk", "--limit", "2")
    rest = told.json("runs", "--text", "disk", "--limit", "2", "--cursor", first["next_cursor"])
    assert [item["task"] for item in first["items"] + rest["items"]] == ["t3", "t1", "t0"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["--label", "tenant"], "key:value"), (["--text", ""], "text"), (["--text", "x" * 201], "200")],
)
def test_a_wrong_search_says_what_to_send(told: Cli, arguments: list[str], word: str) -> None:
    answer = told("runs", *arguments)
    assert answer.code == 2
    assert word in answer.err
