"""The reference pages name everything that there is: event types, settings, commands, fields, views, paths."""

import inspect
import json
import re
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import taskscope
from taskscope import config, stats
from taskscope.cli import main
from taskscope.core import known_data
from taskscope.core.clock import MINUTE
from taskscope.core.events import EVENT_TYPES
from taskscope.core.lifecycle import OUTCOMES, STATES
from taskscope.core.runsfile import STATUSES
from taskscope.core.wire import Wire
from taskscope.ports import Filter
from taskscope.sdk.address import TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, URL_VARIABLE
from taskscope.sdk.room import LIMIT_MB, LIMIT_VARIABLE
from taskscope.sdk.shipping import FLUSH_VARIABLE
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import START, a_run, deliver
from tests.docs.pages import ROOT, coded, read, section

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # `serve` loads the web framework, which warns of its own future
    COMMANDS = {name: main.get_command(click.Context(main), name) for name in main.list_commands(click.Context(main))}
SDK_VARIABLES = {
    *("TASKSCOPE_HOME", "TASKSCOPE_WORKER"),
    *(URL_VARIABLE, TOKEN_VARIABLE, TOKEN_FILE_VARIABLE, FLUSH_VARIABLE, LIMIT_VARIABLE),
}
VIEWS = ("task_events", "workers", "endpoint_minute_stats", "worker_resource_snapshots")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    store = SqliteStore(tmp_path / "store.db")
    deliver(store, a_run("t", 0, 2, "failed", job="j", queue="q", worker="w", data={"error": "no"}))
    return store


def keys(answer: Any) -> Iterator[str]:
    """Name every field of an answer, however deep."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            yield key
            yield from keys(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from keys(value)


def words(text: str) -> set[str]:
    """Give the single names that stand in backquotes: `workers[].busy_ms` names workers and busy_ms."""
    return {word for code in coded(text) for word in re.split(r"[^\w-]+", code)}


def test_every_event_type_has_its_row() -> None:
    table = section(read("events.md"), "## Types")
    assert re.findall(r"^\| `([a-z_.]+)` \|", table, re.MULTILINE) == list(EVENT_TYPES)


def test_every_field_of_an_event_and_every_known_key_is_documented() -> None:
    assert set(Wire.__struct_fields__) <= coded(section(read("events.md"), "## Fields"))
    table = section(read("events.md"), "## Known keys of `data`")
    for known in (known_data._TASK, known_data._WORKER, known_data._REGISTERED, known_data._GAP):
        assert known.keys() <= coded(table)


def test_every_status_of_a_run_is_documented() -> None:
    assert set(STATUSES) <= coded(read("runs-file.md"))


def test_every_setting_has_its_key_its_variable_and_its_default() -> None:
    page = read("configuration.md")
    defaults = config.load("/nowhere", environment={})
    for field in config._FIELDS:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{field}` |"))
        for variable in config._variables(field):
            assert f"`{variable}`" in row
        default = getattr(defaults, "zone" if field == "timezone" else field)
        shown = row.split("|")[3].strip().strip("`")
        written = f"{default:g}" if isinstance(default, float) else "none" if default == () else str(default)
        assert shown == written or field == "store"
    assert coded(page) >= SDK_VARIABLES
    assert f"| `{LIMIT_VARIABLE}` | {LIMIT_MB} |" in page


def test_the_page_of_settings_invents_none() -> None:
    invented = section(read("configuration.md"), "## Not yet")
    known = {name for field in config._FIELDS for name in config._variables(field)}
    named = {code for code in coded(read("configuration.md")) if code.startswith("TASKSCOPE_")} - coded(invented)
    assert named - known == SDK_VARIABLES


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented_with_every_option(command: str) -> None:
    page = read("commands.md")
    known = coded(section(page, f"## `taskscope {command}`")) | coded(page.partition("\n## ")[0])
    found = COMMANDS[command]
    assert found is not None
    named = {re.split(r"[ =]", code)[0] for code in known}
    parts = found.commands.values() if isinstance(found, click.Group) else [found]
    for option in [option for part in parts for option in part.params]:
        if isinstance(option, click.Option):
            assert set(option.opts) & named, f"{option.opts} of {command}"


def test_the_page_of_commands_invents_none() -> None:
    found = re.findall(r"^## `taskscope ([a-z]+)`$", read("commands.md"), re.MULTILINE)
    assert sorted(found) == sorted(COMMANDS)


def test_every_field_of_every_answer_is_documented(store: SqliteStore) -> None:
    page = read("statistics.md")
    window = (START - MINUTE, START + MINUTE)
    answers = {
        "stats": stats.stats(store, Filter(), *window),
        "utilization": stats.utilization(store, Filter(), *window),
        "runs": stats.runs(store, Filter()),
    }
    for heading, answer in answers.items():
        assert set(keys(answer)) <= words(section(page, f"## {heading}")), heading
    assert set(stats.percentiles(store, Filter())) <= words(section(page, "## stats"))


def test_every_state_and_outcome_is_defined() -> None:
    page = (ROOT / "docs" / "explanation" / "definitions.md").read_text("utf-8")
    assert all(word in page for word in (*STATES, *OUTCOMES))


@pytest.fixture(scope="module")
def api() -> dict[str, dict[str, list[str]]]:
    """Give the paths of the server, each with its methods and the names of their parameters.

    In a process of its own, as the tests of the server have it: the web framework warns of its own future.
    """
    done = subprocess.run([sys.executable, "-c", _DESCRIBE], capture_output=True, text=True, check=True)
    found: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
    return found


_DESCRIBE = """
import json
from taskscope import config
from taskscope.server.application import create_app
from taskscope.server.pages import PAGES
application = create_app(None, config.load("/nowhere", environment={}))
pages = {*PAGES, "/assets/{name:path}", "/assets/{name}", "/favicon.svg"}
found = {
    route.path_format: {method: [] for method in getattr(route, "methods", None) or ["GET"]}
    for route in application.routes
    if route.path_format == "/" or not pages.intersection((route.path, route.path_format))
}
for path, item in application.openapi_schema.to_schema()["paths"].items():
    for method, operation in item.items():
        found[path][method.upper()] = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
print(json.dumps(found))
"""


def test_every_path_of_the_server_is_documented(api: dict[str, dict[str, list[str]]]) -> None:
    page = read("http-api.md")
    named = {f"{method} {path}" for path, methods in api.items() for method in methods if method != "OPTIONS"}
    named = {path for path in named if "/openapi.json/" not in path}  # other spellings of the same document
    named = {path for path in named if path.partition(" ")[2].startswith(("/api/", "/metrics"))}  # the rest are pages
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", page, re.MULTILINE)) == named


def test_every_parameter_of_the_server_is_documented(api: dict[str, dict[str, list[str]]]) -> None:
    table = section(read("http-api.md"), "## Asking")
    for path, methods in api.items():
        if named := set(methods.get("GET", [])):
            row = next(line for line in table.splitlines() if line.startswith(f"| `{path}` |"))
            assert coded(row) - {path, "1m"} == named, path


@pytest.mark.parametrize("view", VIEWS)
def test_every_column_of_every_view_is_documented(view: str, store: SqliteStore) -> None:
    connection = sqlite3.connect(store.path)
    columns = {row[1] for row in connection.execute(f"PRAGMA table_info({view})")}
    connection.close()
    assert columns
    assert columns <= coded(section(read("sql-views.md"), f"## {view}"))


def test_every_public_name_and_argument_of_the_sdk_is_documented() -> None:
    page = read("sdk.md")
    named = words(page)
    assert set(taskscope.__all__) <= named
    for owner in (taskscope.Scope, taskscope.Run, taskscope.Reader):
        assert {name for name in vars(owner) if not name.startswith("_")} <= named
    asking = [vars(taskscope.Reader)[name] for name in ("statistics", "summary", "utilization", "percentiles", "runs")]
    recording = (taskscope.connect, taskscope.Scope.run, taskscope.Scope.submitted, taskscope.Scope.task)
    for function in (*recording, taskscope.reader, *asking):
        assert set(inspect.signature(function).parameters) - {"self", "function"} <= named


def test_coverage_names_only_files_that_exist() -> None:
    page = read("coverage.md")
    for path in re.findall(r"`(tests/[\w/]+\.py)`", page):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"`((?:core|stats|sdk|store)/[\w/]*|[a-z]+\.py)`", page):
        assert (ROOT / "src" / "taskscope" / path).exists(), path


def test_what_coverage_calls_done_has_a_test_and_what_is_missing_is_called_so() -> None:
    rows = [line.strip("| ").split(" | ") for line in read("coverage.md").splitlines() if line.startswith("| ")]
    for row in rows:
        tested = len(row) == 3 and "`tests/" in row[2]
        assert row == ["feature", "where", "test"] or tested or row[1].startswith("not yet"), row
