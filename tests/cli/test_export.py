import json
from pathlib import Path

from tests.cli.conftest import Cli
from tests.cli.facts import event, finished, ndjson

LINES = [
    *finished("t1", 5, 50.25, job="draw", queue="gpu", worker="a", data={"outputs": 2, "labels": {"ü": [1.5, None]}}),
    event("task.submitted", "17", 60, job="draw", attempt=3),
    event("job.registered", "", 61, job="draw", data={"timeout_ms": 5000}) | {"task": None},
    event("task.started", "open", 62, job="draw", run="r", worker="a"),
]


def test_an_export_that_is_imported_elsewhere_gives_the_same_export_and_answers(cli: Cli, tmp_path: Path) -> None:
    cli.json("import", "-", stdin=ndjson(LINES))
    exported = cli("export").out
    assert len(exported.splitlines()) == len(LINES)
    there = tmp_path / "there"
    assert cli.json("import", "-", stdin=exported.encode(), home=there)["accepted"] == len(LINES)
    assert cli("export", home=there).out == exported
    assert cli.json("stats", home=there) == cli.json("stats")


def test_the_mark_travels_with_the_facts_when_asked_for(cli: Cli, tmp_path: Path) -> None:
    cli.json("import", "-", stdin=ndjson(LINES))
    cli.json("tick", "--at", "2026-01-08T10:00:00Z")
    assert cli.json("stats")["timed_out"] == 1  # the registered limit of 5 s has passed by the mark
    exported = cli("export", "--mark").out
    assert json.loads(exported.splitlines()[0]) == {"mark": "2026-01-08T10:00:00.000Z"}
    there = tmp_path / "there"
    cli.json("import", "-", stdin=exported.encode(), home=there)
    assert cli("export", "--mark", home=there).out == exported
    assert cli.json("stats", home=there) == cli.json("stats")


def test_json_is_one_document_with_the_mark(cli: Cli) -> None:
    cli.json("import", "-", stdin=ndjson(LINES))
    document = cli.json("export")
    assert [one["id"] for one in document["events"]] == [line["id"] for line in LINES]
    assert document["mark"] == "1970-01-01T00:00:00.000Z"


def test_an_output_file_holds_what_would_be_printed(cli: Cli, tmp_path: Path) -> None:
    cli.json("import", "-", stdin=ndjson(LINES))
    file = tmp_path / "out.ndjson"
    assert cli("export", "--output", file).out == ""
    assert file.read_text() == cli("export").out
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_output_that_can_not_be_written_is_wrong_use(cli: Cli, tmp_path: Path) -> None:
    answer = cli("export", "--output", tmp_path / "no" / "such" / "folder")
    assert answer.code == 2
    assert "--output" in answer.err
