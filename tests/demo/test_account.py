"""The files of the account: what is written is read, once, and only in whole lines."""

from pathlib import Path

from taskscope.demo.account import Account, Begun, Ended, Entry, Killed, Left, Open, Reader, Submitted

BEGUN = Begun("w-1/7/1", "task-1", 1, "parse", "reports", "w-1", 60, 1, 2)
ENTRIES: list[Entry] = [
    Submitted("task-1", 1, 1, 2),
    BEGUN,
    Ended(BEGUN.run, "succeeded", 5),
    Left(BEGUN.run, 7),
    Killed("w-2/8/1", 3, 4),
]


def test_what_is_written_is_read_once(tmp_path: Path) -> None:
    reader, account = Reader(tmp_path), Account(tmp_path, "w-1")
    for entry in ENTRIES[:2]:
        account.append(entry)
    assert reader.new() == ENTRIES[:2]
    for entry in ENTRIES[2:]:
        account.append(entry)
    account.close()
    assert reader.new() == ENTRIES[2:]
    assert reader.new() == []
    assert Reader(tmp_path).new() == ENTRIES


def test_a_worker_that_is_started_again_goes_on_with_its_file(tmp_path: Path) -> None:
    for entry in ENTRIES:
        account = Account(tmp_path, "w-1")
        account.append(entry)
        account.close()
    assert Reader(tmp_path).new() == ENTRIES


def test_half_a_line_is_left_for_later(tmp_path: Path) -> None:
    account, reader = Account(tmp_path, "w-1"), Reader(tmp_path)
    account.append(BEGUN)
    account.close()
    path = tmp_path / "w-1.jsonl"
    line = path.read_bytes()
    path.write_bytes(line + line[:20])
    assert reader.new() == [BEGUN]
    path.write_bytes(line + line)
    assert reader.new() == [BEGUN]


def test_a_run_is_open_from_its_begin_to_its_end_or_death() -> None:
    open_runs = Open()
    open_runs.follow([BEGUN])
    assert open_runs.runs == {BEGUN.run: BEGUN}
    open_runs.follow([Ended(BEGUN.run, "failed", 1)])
    assert not open_runs.runs
    open_runs.follow([BEGUN, Killed(BEGUN.run, 1, 2)])
    assert not open_runs.runs
    assert open_runs.begun == 2
