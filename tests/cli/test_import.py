import gzip
import json
import os
from pathlib import Path

import pytest
import zstandard

from tests.cli.conftest import Cli
from tests.cli.facts import at, event, finished, ndjson

THREE = ndjson(finished("t1", 10, 20, job="a", queue="q", worker="w"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.ndjson", THREE),
        ("named-like-nothing", gzip.compress(THREE)),
        ("lies.ndjson", zstandard.compress(THREE)),
        ("two-members.gz", gzip.compress(THREE[:50]) + gzip.compress(THREE[50:])),
        ("two-frames.zst", zstandard.compress(THREE[:50]) + zstandard.compress(THREE[50:])),
        ("padded.gz", gzip.compress(THREE) + b"\0" * 512),
        ("no-end-of-line", THREE.rstrip()),
        ("windows", b"\xef\xbb\xbf" + THREE.replace(b"\n", b"\r\n")),
        ("blank lines", b"\n \n\t\r\n" + THREE.replace(b"\n", b"\n\n")),
    ],
)
def test_a_file_is_read_whatever_it_is_called_and_however_its_lines_end(
    cli: Cli, tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert cli.json("import", file) == {
        "accepted": 3,
        "duplicates": 0,
        "runs": 0,
        "rejected": [],
        "rejected_total": 0,
    }
    assert cli.json("stats")["succeeded"] == 1


@pytest.mark.parametrize("content", [THREE, gzip.compress(THREE), zstandard.compress(THREE)])
def test_standard_input_is_read_plain_and_compressed(cli: Cli, content: bytes) -> None:
    assert cli.json("import", "-", stdin=content)["accepted"] == 3


def test_a_pipe_is_read_like_a_file(cli: Cli, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, gzip.compress(THREE))
    os.close(writer)
    assert cli.json("import", f"/dev/fd/{reader}")["accepted"] == 3
    os.close(reader)


def test_what_was_imported_before_is_counted_once(cli: Cli) -> None:
    cli.json("import", "-", stdin=THREE)
    again = cli.json("import", "-", stdin=THREE)
    assert (again["accepted"], again["duplicates"]) == (0, 3)
    assert cli.json("stats")["submitted"] == 1


def test_files_of_runs_become_facts_and_count_once(cli: Cli) -> None:
    run = {
        "task_id": 7,
        "job": "a",
        "status": "succeeded",
        "submitted_at": at(0),
        "started_at": at(1),
        "finished_at": at(3),
    }
    pending = {"task_id": "8", "job": "a", "status": "pending", "submitted_at": at(0)}
    first = cli.json("import", "-", stdin=ndjson([run, pending]))
    assert (first["accepted"], first["runs"]) == (4, 2)
    assert cli.json("import", "-", stdin=ndjson([run, pending]))["duplicates"] == 4
    counted = cli.json("stats")
    assert (counted["succeeded"], counted["pending"], counted["duration_ms"]["avg"]) == (1, 1, 2000)


def test_events_and_runs_may_stand_in_one_file(cli: Cli) -> None:
    run = {"task_id": "8", "job": "a", "status": "pending", "submitted_at": at(0), "attrs": {"type": "x"}}
    told = {**event("task.submitted", "t9", 0), "data": {"task_id": "not a run"}}
    answer = cli.json("import", "-", stdin=ndjson([run, told]))
    assert (answer["accepted"], answer["runs"]) == (2, 1)


def test_keys_may_be_written_with_escapes(cli: Cli) -> None:
    line = json.dumps({"task_id": "8", "job": "a", "status": "pending", "submitted_at": at(0)})
    assert cli.json("import", "-", stdin=line.replace("task_id", "task\\u005fid").encode())["runs"] == 1


def test_a_service_is_given_to_lines_that_name_none(cli: Cli) -> None:
    lines = ndjson(
        [
            {"task_id": "1", "job": "a", "status": "pending", "submitted_at": at(0)},
            event("task.submitted", "2", 0, job="a"),
            event("task.submitted", "3", 0, job="a", service="own"),
        ]
    )
    cli.json("import", "--service", "shop", "-", stdin=lines)
    found = {item["task"]: item["service"] for item in cli.json("runs")["items"]}
    assert found == {"1": "shop", "2": "shop", "3": "own"}


@pytest.mark.parametrize("service", ["", "x" * 201])
def test_a_service_that_is_no_name_is_wrong_use(cli: Cli, service: str) -> None:
    assert cli("import", "--service", service, "-").code == 2


def test_an_empty_file_is_fine(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "empty"
    file.touch()
    assert cli.json("import", file)["accepted"] == 0


def test_more_than_a_batch_keeps_its_line_numbers(cli: Cli) -> None:
    lines = [event("task.submitted", str(number), number / 1000) for number in range(12_000)]
    lines[9_999]["time"] = "2999-01-01T00:00:00Z"
    answer = cli("import", "-", "--json", stdin=ndjson(lines))
    assert answer.code == 1
    assert answer.json["accepted"] == 11_999
    [refused] = answer.json["rejected"]
    assert refused["line"] == 10_000
    assert "10 minutes ahead" in refused["error"]


def test_a_run_of_which_several_facts_are_refused_is_one_refused_line(cli: Cli) -> None:
    run = {
        "task_id": "1",
        "job": "a",
        "status": "succeeded",
        "submitted_at": 4e12,
        "started_at": 4e12,
        "finished_at": 4e12,
    }
    answer = cli("import", "-", "--json", stdin=ndjson([run]))
    assert answer.code == 1
    assert len(answer.json["rejected"]) == 1


# --- what is refused ---


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(THREE)[:-3], "cut off"),
        (gzip.compress(THREE)[:30] + b"\0\0\0" + gzip.compress(THREE)[33:], "broken"),
        (gzip.compress(THREE)[:-8] + b"\1\2\3\4" + gzip.compress(THREE)[-4:], "broken"),
        (gzip.compress(THREE) + b"something else", "broken"),
        (zstandard.compress(THREE)[:-1], "cut off"),
        (zstandard.compress(THREE) + b"something else", "broken"),
        (b"PK\x03\x04" + THREE, "zip"),
        (THREE.decode().encode("utf-16"), "UTF-16"),
    ],
)
def test_a_broken_file_is_refused_whole_and_the_others_are_taken(
    cli: Cli, tmp_path: Path, content: bytes, reason: str
) -> None:
    broken, good = tmp_path / "broken", tmp_path / "good"
    broken.write_bytes(content)
    good.write_bytes(ndjson(finished("other", 10, 20)))
    answer = cli("import", broken, good, "--json")
    assert answer.code == 1
    [refused] = answer.json["rejected"]
    assert (refused["file"], refused["line"]) == (str(broken), None)
    assert reason in refused["error"]
    assert [item["task"] for item in cli.json("runs")["items"]] == ["other"]


def test_a_file_that_is_broken_late_leaves_nothing_behind(cli: Cli, tmp_path: Path) -> None:
    lines = ndjson(
        event("task.submitted", f"{number}-{os.urandom(20).hex()}", number / 1000) for number in range(9_000)
    )
    (tmp_path / "late.gz").write_bytes(gzip.compress(lines)[:-1])
    answer = cli("import", tmp_path / "late.gz", "--json")
    assert (answer.code, answer.json["accepted"]) == (1, 0)
    assert cli.json("stats")["submitted"] == 0


def test_a_missing_file_ends_before_anything_is_imported(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(THREE)
    answer = cli("import", tmp_path / "good", tmp_path / "missing")
    assert answer.code == 2
    assert str(tmp_path / "missing") in answer.err
    assert cli.json("stats")["submitted"] == 0


def test_a_file_whose_name_is_no_text_is_named_nevertheless(cli: Cli, tmp_path: Path) -> None:
    file = os.fsencode(tmp_path) + b"/\xff"
    Path(os.fsdecode(file)).write_bytes(b"x")
    [refused] = cli("import", os.fsdecode(file), "--json").json["rejected"]
    assert refused["file"] == f"{tmp_path}/\\xff"


def test_a_folder_is_no_file(cli: Cli, tmp_path: Path) -> None:
    assert cli("import", tmp_path).code == 2


GOOD = json.dumps(event("task.submitted", "good", 0)).encode()


def wrong(field: str, value: str) -> bytes:
    """Write an event with one field replaced by JSON text."""
    return json.dumps({**event("task.started", "bad", 0), field: "HERE"}).replace('"HERE"', value).encode()


BAD_LINES = {
    "broken JSON": (b'{"type": "task.started", ', ["JSON", '{"type": "task.started",', "one JSON object a line"]),
    "a word": (b"hello", ["JSON", "hello"]),
    "a number": (b"17", ["neither an event", "17"]),
    "an array": (b"[" + GOOD + b"]", ["array", "jq -c"]),
    "neither event nor run": (b'{"a": 1}', ["type", "task_id"]),
    "a type of no event": (wrong("type", '"task.begun"'), ["type", "'task.begun'", "task.started"]),
    "an attempt in words": (wrong("attempt", '"one"'), ["attempt", "'one'", "integer"]),
    "attempt 0": (wrong("attempt", "0"), ["attempt", "got 0", "count from 1"]),
    "a boolean task": (wrong("task", "true"), ["task", "True", "text"]),
    "an object as job": (wrong("job", '{"a": 1}'), ["job", "an object", "send text"]),
    "data that is text": (wrong("data", '"x"'), ["data", "'x'", "JSON object"]),
    "a negative duration": (wrong("duration_ms", "-1"), ["duration_ms", "got -1", "monotonic"]),
    "NaN": (wrong("duration_ms", "NaN"), ["NaN", "null"]),
    "infinity": (wrong("duration_ms", "-Infinity"), ["infinite", "null"]),
    "a float beyond floats": (wrong("duration_ms", "1e999"), ["64-bit"]),
    "a task beyond 64 bits": (wrong("task", "123456789012345678901234567890"), ["task", "1234567890123", "64 bits"]),
    "data beyond 64 bits": (wrong("data", '{"n": 123456789012345678901234567890}'), ["data", "64 bits", "as text"]),
    "no type": (b'{"task": "x", "time": 0, "task_name": 1}', ["neither an event"]),
    "no time": (b'{"type": "task.started", "task": "x"}', ["time", "missing", "RFC 3339"]),
    "no task": (b'{"type": "task.started", "time": 0}', ["task", "missing", "names its task"]),
    "no worker": (b'{"type": "worker.online", "time": 0}', ["worker", "missing"]),
    "a lone surrogate": (wrong("job", r'"\ud800"'), ["surrogate", "UTF-8"]),
    "an escaped NUL": (wrong("job", r'"a\u0000b"'), ["job", "NUL", "take it out"]),
    "a raw NUL": (wrong("job", '"a\0b"'), ["JSON"]),
    "no UTF-8": (wrong("job", '"HERE"').replace(b"HERE", b"\xff\xfe"), ["UTF-8"]),
    "a time without offset": (wrong("time", '"2026-01-08T08:28:15"'), ["time", "2026-01-08T08:28:15", "add Z"]),
    "a date": (wrong("time", '"2026-01-08"'), ["time", "2026-01-08", "RFC 3339"]),
    "an American time": (wrong("time", '"01/08/2026 8:28 AM"'), ["time", "01/08/2026", "RFC 3339"]),
    "a leap second": (wrong("time", '"2016-12-31T23:59:60Z"'), ["time", ":60Z", "leap second"]),
    "nanoseconds": (wrong("time", "1767860885250000000"), ["time", "1767860885250000000", "milliseconds"]),
    "a time before 1970": (wrong("time", "-1"), ["time", "-1", "1970"]),
    "a boolean time": (wrong("time", "true"), ["time", "True"]),
    "the future": (wrong("time", '"2999-01-01T00:00:00Z"'), ["time", "2999-01-01", "clock"]),
    "an empty name": (wrong("job", '""'), ["job", "empty"]),
    "a long name": (wrong("queue", '"' + "q" * 201 + '"'), ["queue", "201", "shorter"]),
    "deep data": (wrong("data", '{"a":' * 40 + "1" + "}" * 40), ["data", "32 levels", "flatten"]),
    "a run without status": (b'{"task_id": "x", "job": "a", "submitted_at": 0}', ["status", "missing"]),
    "a run of unknown status": (
        b'{"task_id": "x", "job": "a", "submitted_at": 0, "status": "done"}',
        ["status", "'done'", "succeeded"],
    ),
    "a run without its end": (
        b'{"task_id": "x", "job": "a", "submitted_at": 0, "status": "failed"}',
        ["finished_at", "missing"],
    ),
    "a run at no time": (
        b'{"task_id": "x", "job": "a", "submitted_at": "now", "status": "pending"}',
        ["submitted_at", "'now'", "RFC 3339"],
    ),
    "a mark at no time": (b'{"mark": "soon"}', ["mark", "'soon'", "RFC 3339"]),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_named_with_value_and_remedy_and_the_good_ones_are_kept(cli: Cli, name: str) -> None:
    line, words = BAD_LINES[name]
    answer = cli("import", "-", "--json", stdin=b"\n".join([GOOD, line, GOOD.replace(b"good", b"good too")]))
    assert answer.code == 1
    assert answer.json["accepted"] == 2
    [refused] = answer.json["rejected"]
    assert (refused["file"], refused["line"]) == ("-", 2)
    for word in words:
        assert word in refused["error"]
    assert "Traceback" not in answer.err + answer.out


def test_refused_lines_are_told_on_stderr_for_reading(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "runs.ndjson"
    file.write_bytes(GOOD + b"\n" + wrong("attempt", "0"))
    answer = cli("import", file)
    assert answer.code == 1
    assert f"{file}:2: attempt is out of range (got 0); attempts count from 1" in answer.err
    assert "accepted events" in answer.out


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-08T09:00:00Z",
        "2026-01-08t09:00:00z",
        "2026-01-08T17:00:00.000000+08:00",
        1767862800000,
        1767862800000.0,
    ],
)
def test_every_accepted_form_of_an_instant_means_the_same(cli: Cli, time: object) -> None:
    cli.json("import", "-", stdin=ndjson([{**event("task.submitted", "t", 0), "time": time}]))
    assert cli.json("runs")["items"][0]["submitted_at"] == "2026-01-08T09:00:00.000Z"


def test_of_duplicate_keys_the_last_wins(cli: Cli) -> None:
    line = GOOD.replace(b"{", b'{"job": "first", ', 1)[:-1] + b', "job": "last"}'
    cli.json("import", "-", stdin=line)
    assert cli.json("runs")["items"][0]["job"] == "last"


def test_a_binary_file_is_refused_line_by_line_without_a_traceback(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "binary"
    file.write_bytes(bytes(range(256)) * 300)
    answer = cli("import", file, "--json")
    assert answer.code == 1
    assert answer.json["accepted"] == 0
    assert answer.json["rejected_total"] == 301
    assert {type(entry["line"]) for entry in answer.json["rejected"]} == {int}


def test_a_line_that_is_too_long_is_refused_by_number_and_the_next_is_taken(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "long.zst"
    file.write_bytes(zstandard.compress(b"x" * (40 << 20) + b"\n" + GOOD))
    answer = cli("import", file, "--json")
    assert answer.json["rejected"] == [
        {"file": str(file), "line": 1, "error": "the line is longer than 16 MiB; send one event or run a line"}
    ]
    assert answer.json["accepted"] == 1


def test_the_answer_lists_ten_thousand_refused_lines_and_counts_all(cli: Cli) -> None:
    answer = cli("import", "-", "--json", stdin=b"x\n" * 10_050)
    assert len(answer.json["rejected"]) == 10_000
    assert answer.json["rejected_total"] == 10_050


def test_another_content_under_a_known_identity_is_refused(cli: Cli) -> None:
    cli.json("import", "-", stdin=GOOD)
    answer = cli("import", "-", "--json", stdin=b"\n" + GOOD[:-1] + b', "job": "other"}')
    assert answer.json["rejected"][0]["line"] == 2
    assert "the first stands" in answer.json["rejected"][0]["error"]
