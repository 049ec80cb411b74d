"""One workload through the embedded store, PostgreSQL and two servers: every command and every path says the same."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from taskscope.cli import main
from taskscope.core.events import Event
from taskscope.core.runsfile import decode_run
from taskscope.core.wire import wire_form
from tests.cli.facts import ndjson
from tests.postgres import Schemas, database
from tests.server.conftest import DEADLINE_S, Server

FOLDER = Path(os.environ.get("TASKSCOPE_TRACES", "/nonexistent"))
TRACES = sorted(FOLDER.glob("*.runs.ndjson.gz"), key=lambda path: path.stat().st_size)
RUNS = 1500
NDJSON = {"Content-Type": "application/x-ndjson"}

pytestmark = pytest.mark.skipif(not TRACES, reason="TASKSCOPE_TRACES names no folder with traces")


def workload() -> list[Event]:
    """Give the facts of the first runs of a real workload, a tenth of them twice, in disorder."""
    lines = gzip.decompress(TRACES[0].read_bytes()).splitlines()[:RUNS]
    facts = [fact for line in lines for fact, _ in decode_run(line)]
    chance = random.Random(4)
    mixed = facts + chance.sample(facts, len(facts) // 10)
    chance.shuffle(mixed)
    return mixed


FACTS = [wire_form(event) for event in workload()] if TRACES else []
FROM, TO = (min(f["time"] for f in FACTS), max(f["time"] for f in FACTS)) if FACTS else ("", "")
JOB = FACTS[0]["job"] if FACTS else ""
QUESTIONS: list[tuple[str, dict[str, str]]] = [
    ("stats", {}),
    ("stats", {"from": FROM, "to": TO}),
    ("stats", {"job": JOB}),
    ("utilization", {"from": FROM, "to": TO, "step": "1h"}),
    ("percentiles", {}),
    ("percentiles", {"job": JOB, "last": "100"}),
    ("runs", {"limit": "1000"}),
    ("runs", {"outcome": "failed", "limit": "200"}),
]


def said(*arguments: str, stdin: bytes = b"") -> bytes:
    """Run a command, and give what it says."""
    done = CliRunner().invoke(main, arguments, input=stdin, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout_bytes


def command(*arguments: str, stdin: bytes = b"") -> Any:
    """Run a command, and give the JSON that it says."""
    return json.loads(said(*arguments, "--json", stdin=stdin))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    """Hold the workload in three stores; give the options that name each."""
    folder = tmp_path_factory.mktemp("places")
    with database() as url:
        schemas = Schemas(url)
        found = {
            "sqlite": ["--home", str(folder / "sqlite")],
            "postgres": ["--home", str(folder / "postgres"), "--store", schemas.url("alone")],
            "servers": ["--home", str(folder / "reader"), "--store", schemas.url("servers")],
        }
        for place in ("sqlite", "postgres"):
            command("import", "-", *found[place], stdin=ndjson(FACTS))
        servers = [Server(folder / f"server{n}", *found["servers"][2:]) for n in range(2)]
        for start in range(0, len(FACTS), 250):
            server = servers[start // 250 % 2]
            body = ndjson(FACTS[start : start + 250])
            answer = server.client.post(
                "/api/v1/events", content=body, headers={"Content-Type": "application/x-ndjson"}
            )
            assert answer.json()["rejected"] == []
        for server in servers:
            server.stop()
        yield found
        schemas.drop()


@pytest.mark.parametrize(("question", "asked"), QUESTIONS, ids=lambda part: part if isinstance(part, str) else "")
def test_every_command_says_the_same(question: str, asked: dict[str, str], places: dict[str, list[str]]) -> None:
    options = [part for name, value in asked.items() for part in (f"--{name}", value)]
    answers = {place: command(question, *options, *named) for place, named in places.items()}
    assert answers["postgres"] == answers["sqlite"]
    assert answers["servers"] == answers["sqlite"]


def test_verify_and_export_say_the_same(places: dict[str, list[str]]) -> None:
    verified = [command("verify", *named) for named in places.values()]
    assert verified[0]["differences"] == []
    assert verified[0]["attempts"] > 0
    del verified[0]["mark"], verified[1]["mark"], verified[2]["mark"]  # servers sweep, commands don't
    assert verified[1] == verified[0] == verified[2]
    exported = [said("export", *named) for named in places.values()]
    assert exported[0].count(b"\n") == len({(fact["id"], fact["time"]) for fact in FACTS})
    assert exported[1] == exported[0] == exported[2]


def test_servers_say_what_commands_say(places: dict[str, list[str]], tmp_path: Path) -> None:
    servers = {
        place: Server(tmp_path / place, "--store", store)
        for place, store in (
            ("sqlite", f"sqlite:///{places['sqlite'][1]}/taskscope.db"),
            ("first", places["servers"][3]),
            ("second", places["servers"][3]),
        )
    }
    for question, asked in QUESTIONS:
        answers = {
            place: server.client.get(f"/api/v1/{question}", params=asked, timeout=DEADLINE_S).json()
            for place, server in servers.items()
        }
        options = [part for name, value in asked.items() for part in (f"--{name}", value)]
        assert answers["sqlite"] == command(question, *options, *places["postgres"])
        assert answers["first"] == answers["second"] == answers["sqlite"], question
    assert [server.stop()[0] for server in servers.values()] == [0, 0, 0]
