"""Logs are lines of JSON, bounded, private, and without what belongs to users."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from taskscope.server import logs


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "logs"
    logs.stop_logging()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_record_is_one_line_with_what_it_carries(folder: Path) -> None:
    logs.log_to(folder, "INFO")
    logging.getLogger("taskscope").info('two\nlines of "%s"', "text", extra={"batches": 3, "queue": "é\u2028"})
    [line] = lines(folder / "monitoring.log")
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line == {
        "level": "INFO",
        "logger": "taskscope",
        "message": 'two\nlines of "text"',
        "batches": 3,
        "queue": "é\u2028",
    }


def test_each_file_holds_what_is_its_own(folder: Path) -> None:
    logs.log_to(folder, "INFO")
    for name, level in (("taskscope.scheduler", 20), ("taskscope.alerts", 40), ("uvicorn.error", 40), ("asyncio", 10)):
        logging.getLogger(name).log(level, name)
    found = {
        str(path.relative_to(folder)): [line["message"] for line in lines(path)]
        for path in folder.rglob("*.log")
        if path.stat().st_size
    }
    assert found == {
        "monitoring.log": ["taskscope.scheduler", "taskscope.alerts", "uvicorn.error"],
        "scheduler.log": ["taskscope.scheduler"],
        "alerts/alerts.log": ["taskscope.alerts"],
        "errors/errors.log": ["taskscope.alerts", "uvicorn.error"],
    }


def test_an_exception_comes_with_its_traceback_and_without_its_secrets(folder: Path) -> None:
    logs.log_to(folder, "INFO")
    try:
        int("postgresql://me:hunter2@db/x refused Authorization: Bearer abc.def-ghi")
    except ValueError:
        said = {"said": "api_key: k1"}
        logging.getLogger("taskscope").exception("failed with token=s3cr3t and 'password': 'open'", extra=said)
    text = (folder / "errors" / "errors.log").read_text()
    assert "Traceback" in json.loads(text)["exception"]
    for secret in ("hunter2", "abc.def-ghi", "s3cr3t", "open'", "k1"):
        assert secret not in text
    assert "postgresql://me:***@db/x" in text


def test_what_is_written_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 20_000)
    logs.log_to(folder, "INFO")
    for number in range(100):
        logging.getLogger("taskscope").info("%d %s", number, "x" * 100_000)
    files = sorted(folder.glob("monitoring.log*"))
    assert len(files) == 1 + logs.OLD_FILES
    assert all(path.stat().st_size <= 20_000 and path.stat().st_mode & 0o777 == 0o600 for path in files)
    assert lines(folder / "monitoring.log")[-1]["message"].startswith("99 ")


def test_a_log_that_can_not_be_written_any_more_says_so_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.log_to(folder, "INFO")
    (folder / "monitoring.log").mkdir()
    for _ in range(3):
        logging.getLogger("taskscope").info("nobody reads this")
    assert capsys.readouterr().err.count("can't be written") == 1


def test_a_level_holds(folder: Path) -> None:
    logs.log_to(folder, "WARNING")
    logging.getLogger("taskscope").info("not this")
    logging.getLogger("taskscope").warning("this")
    assert [line["message"] for line in lines(folder / "monitoring.log")] == ["this"]
