"""Whatever the description of the API allows, and much that it does not, gets an answer that the description knows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.facts import event, finished, ndjson
from tests.server.access import admin
from tests.server.conftest import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
LEFT_OUT = {
    "positive_data_acceptance": "windows, cursors, scopes and compressed bodies have rules that no schema tells",
    "allow_header_conformance": "the framework answers OPTIONS with the methods of one of the handlers of a path",
}

CONFIGURATION = """
[[operations]]  # a bad event is named in an answer of 200, for the good ones beside it are kept
include-name = "POST /api/v1/events"
checks.negative_data_rejection.enabled = false
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server that knows runs of every kind."""
    server = Server(tmp_path_factory.mktemp("schemathesis") / "home")
    names = {"service": "s", "job": "j", "queue": "q", "worker": "w"}
    error = {"error": {"type": "ValueError", "message": "bad"}, "labels": {"tenant": "a"}}
    facts = [
        *(one for n in range(200) for one in finished(f"ok-{n}", 5 * n, 5 * n + 9, **names)),
        *finished("0", 5, 50, "failed", data=error, **names),  # schemathesis asks for a task 0 sooner or later
        event("task.submitted", "waits", 40, **{**names, "worker": None}),
        event("task.started", "runs", 45, **names),
        event("worker.heartbeat", "", 45, worker="s", boot="b", data={"role": "scheduler"}) | {"task": None},
        event("job.registered", "", 0, job="0", data={"owner": "o", "category": "c"}) | {"task": None},
    ]
    answer = server.client.post(
        "/api/v1/events", content=ndjson(facts), headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.json()["rejected"] == []
    yield server
    if server.process.returncode is None:
        server.stop()


def check(server: Server, folder: Path, *arguments: str) -> None:
    """Let schemathesis ask a server, as its administrator: no status, type or shape but those that are described."""
    description = server.client.get("/api/v1/openapi.json")
    operations = sum(len(item) for item in description.json()["paths"].values())
    command: list[str | Path] = [
        *(SCHEMATHESIS, "run", f"{server.ready['url']}/api/v1/openapi.json", "--no-color", "--seed", "1"),
        *("--exclude-checks", ",".join(LEFT_OUT), "--generation-database", "none", "--warnings", "off"),
        *("-H", f"Authorization: {admin(server.home)['Authorization']}", *arguments),
    ]
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert re.search(rf"Tested: {operations}\b", done.stdout), done.stdout[-2000:]
    log = (server.home / "logs" / "monitoring.log").read_text()
    assert '"ERROR"' not in log, log[-3000:]


def test_every_answer_is_described_whatever_is_asked(told: Server, tmp_path: Path) -> None:
    check(told, tmp_path, "--phases", "coverage,fuzzing", "--max-examples", "5")


@pytest.mark.soak
def test_every_answer_is_described_whatever_is_asked_for_minutes(told: Server, tmp_path: Path) -> None:
    check(told, tmp_path, "--max-examples", "200")
