"""`taskscope spool`, and questions on a home whose facts go to a server."""

import json
from pathlib import Path

import pytest

import taskscope
from taskscope.sdk.framing import frame
from taskscope.sdk.rejected import put_aside
from taskscope.sdk.spool import SpoolWriter
from tests.cli.conftest import Cli
from tests.cli.facts import event
from tests.sdk.servers import closed_port


def dead_segment(home: Path, *records: bytes, tail: bytes = b"", name: str = "77-a.seg") -> Path:
    spool = home / "spool"
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    (spool / name).write_bytes(b"".join(map(frame, records)) + tail)
    return spool / name


def submitted(task: str, **fields: object) -> bytes:
    return json.dumps({**event("task.submitted", task, 0), **fields}).encode()


def test_an_empty_home_has_nothing_in_its_spool(cli: Cli) -> None:
    answer = cli.json("spool", "list")
    assert answer == {
        "bytes": 0,
        "oldest": None,
        "age_s": None,
        "segments": [],
        "rejected": {"records": 0, "unreadable": 0, "bytes": 0, "errors": []},
        "torn": {"tails": 0, "bytes": 0},
    }
    assert cli.json("spool", "replay") == {"records": 0, "unreadable": 0}
    assert not cli.home.exists()


def test_what_waits_is_shown_with_its_process_its_kind_and_its_age(cli: Cli) -> None:
    first = submitted("old", time="2020-01-01T00:00:00Z")
    path = dead_segment(cli.home, first, submitted("t", time="2026-01-08T09:00:00+01:00"), name="77-a.extra.seg")
    writer = SpoolWriter(cli.home)
    writer.append(submitted("living"))
    answer = cli.json("spool", "list")
    writer.close()
    assert answer["oldest"] == "2020-01-01T00:00:00.000Z"
    assert answer["age_s"] > 6 * 365 * 86_400
    living, dead = sorted(answer["segments"], key=lambda one: one["kind"], reverse=True)
    assert (dead["kind"], dead["pid"], dead["alive"], dead["bytes"]) == ("extra", 77, False, path.stat().st_size)
    assert (living["kind"], living["alive"], living["oldest"]) == ("facts", True, "2026-01-08T09:00:00.000Z")
    # What was delivered waits no more.
    path.with_name(path.name + ".offset").write_text(str(len(frame(first))))
    (dead,) = [one for one in cli.json("spool", "list")["segments"] if one["pid"] == 77]
    assert (dead["bytes"], dead["oldest"]) == (path.stat().st_size - len(frame(first)), "2026-01-08T08:00:00.000Z")


@pytest.mark.parametrize("time", [None, "no time", True, 1e300, [1]])
def test_a_record_without_a_time_has_no_age(cli: Cli, time: object) -> None:
    dead_segment(cli.home, submitted("t", time=time))
    dead_segment(cli.home, b"no JSON", name="78-b.seg")
    dead_segment(cli.home, tail=b"\xff" * 20, name="79-c.seg")
    answer = cli.json("spool", "list")
    assert [one["oldest"] for one in answer["segments"]] == [None, None, None]
    assert answer["age_s"] is None


def test_what_was_refused_is_shown_by_reason_the_newest_first(cli: Cli) -> None:
    put_aside(cli.home, [("no type", b"1"), ("no time", b"2"), ("no type", b"3")])
    path = cli.home / "spool" / "rejected" / "rejected.ndjson"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line, at in zip(lines, ("2026-01-08T09:00:00.000Z", "2026-01-08T10:00:00.000Z", ""), strict=True):
        line["at"] = at
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "broken\n")
    answer = cli("spool", "list", "--json")
    assert answer.code == 1
    assert answer.json["rejected"] == {
        "records": 3,
        "unreadable": 1,
        "bytes": path.stat().st_size,
        "errors": [
            {"error": "no time", "records": 1, "newest": "2026-01-08T10:00:00.000Z"},
            {"error": "no type", "records": 2, "newest": "2026-01-08T09:00:00.000Z"},
        ],
    }
    readable = cli("spool", "list")
    assert readable.code == 1
    assert "no type" in readable.out
    found = cli("doctor", "--json")
    assert found.json["spool"]["unreadable"] == 1
    assert "spool replay" in found.json["problems"][0]["remedy"]


def test_a_torn_tail_is_shown(cli: Cli) -> None:
    dead_segment(cli.home, tail=frame(b"never whole")[:-3])
    assert cli("spool", "list").code == 0
    cli.json("stats")
    answer = cli("spool", "list", "--json")
    assert (answer.code, answer.json["torn"]) == (1, {"tails": 1, "bytes": len(frame(b"never whole")) - 3})


def test_a_refused_record_is_replayed_into_the_store_once_its_reason_is_gone(cli: Cli) -> None:
    put_aside(cli.home, [("the store was wrong", submitted("t"))])
    assert cli.json("spool", "replay") == {"records": 1, "unreadable": 0}
    assert cli.json("stats")["submitted"] == 1
    assert cli.json("spool", "list")["rejected"]["records"] == 0
    assert cli("doctor").code == 0


def test_lines_that_can_not_be_replayed_are_not_well(cli: Cli) -> None:
    put_aside(cli.home, [("no", b"x")])
    with (cli.home / "spool" / "rejected" / "rejected.ndjson").open("a") as file:
        file.write("broken\n")
    answer = cli("spool", "replay", "--json")
    assert (answer.code, answer.json) == (1, {"records": 1, "unreadable": 1})


def test_a_question_leaves_to_the_shipper_what_is_meant_for_another_server(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = taskscope.connect("shop", home=cli.home, worker="w")
    scope.submitted("job")
    scope.close()
    monkeypatch.setenv("TASKSCOPE_URL", f"http://127.0.0.1:{closed_port()}")
    answer = cli("stats", "--json")
    assert (answer.code, answer.json["submitted"]) == (0, 0)
    assert "TASKSCOPE_URL is set" in answer.err
    cli.json("tick")
    assert cli.json("spool", "list")["bytes"] > 0
    monkeypatch.delenv("TASKSCOPE_URL")
    answer = cli("stats", "--json")
    assert (answer.json["submitted"], answer.err) == (1, "")


@pytest.mark.parametrize("url", ["", "no url", "ftp://host", "http://me:hunter2@host"])
def test_an_agent_without_a_good_url_is_wrong_use_with_the_remedy(cli: Cli, url: str) -> None:
    answer = cli("agent", "--url", url)
    assert answer.code == 2
    assert "TASKSCOPE_URL" in answer.err
    assert "hunter2" not in answer.err
