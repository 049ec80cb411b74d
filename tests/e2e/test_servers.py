"""Pages whose server goes away and comes back, and pages of a server that wants to know who asks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import DEADLINE_S, TASKSCOPE, Server

PATIENCE_MS = 30_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    server = Server(home)
    yield server
    server.stop()


def send(server: Server, task: str) -> None:
    now = server.client.get("/api/v1/queues").json()["now"]
    fact = {"type": "task.succeeded", "time": now, "task": task, "job": "j", "worker": "w", "duration_ms": 5}
    assert server.client.post("/api/v1/events", json=fact).json()["accepted"] == 1


def test_a_page_says_that_its_server_is_away_and_goes_on_once_it_is_back(look: Any, home: Path) -> None:
    killed = Server(home)
    send(killed, "before")
    page = look(url=killed.ready["url"]).open("/runs")
    state = page.get_by_test_id("live-state")
    page.locator("tbody tr", has_text="before").wait_for()
    page.locator("[data-testid=live-state][data-state=live]").wait_for()
    killed.client.close()
    killed.process.kill()
    killed.process.communicate()
    page.locator("[data-testid=live-state][data-state=offline]").wait_for(timeout=PATIENCE_MS)
    assert "offline since" in state.inner_text()
    assert page.locator("tbody tr", has_text="before").count() == 1, "what was known stays"
    page.get_by_role("button", name="Try again").first.wait_for()
    again = Server(home, "--port", killed.ready["url"].rsplit(":", 1)[1].strip("/"))
    try:
        send(again, "after")
        page.locator("[data-testid=live-state][data-state=live]").wait_for(timeout=PATIENCE_MS)
        page.get_by_role("button", name="1 new").click()  # rows that were there do not move by themselves
        page.locator("tbody tr", has_text="after").wait_for()
        assert page.get_by_role("button", name="Try again").count() == 0
    finally:
        again.stop()


def test_somebody_signs_in_with_a_token_and_comes_to_where_they_wanted(look: Any, server: Server, home: Path) -> None:
    send(server, "secret")
    create: list[str | Path] = [TASKSCOPE, "token", "create", "--home", home, "--name", "me", "--scopes", "read"]
    made = subprocess.run(create, capture_output=True, text=True, check=True, timeout=DEADLINE_S)
    page = look(url=server.ready["url"], who="me").open("/runs?job=j")
    page.wait_for_url("**/sign-in?**")
    assert "secret" not in page.content()
    page.get_by_label("Token").fill("tsk_" + "A" * 43)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    assert "/sign-in" in page.url
    page.get_by_label("Token").fill(made.stdout.split()[-1])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/runs?job=j")
    page.locator("tbody tr", has_text="secret").wait_for()
    assert page.evaluate("document.cookie") == "", "no script can read what stands for the token"
