"""A real server with a day of work in it, and a real browser that looks at its pages."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from taskscope.server.pages import BUILT
from tests import debian
from tests.e2e.scene import facts
from tests.server.conftest import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

BATCH = 5_000
SETTLED = """() => {
  const calm = document.querySelector("h1") && !document.querySelector("[data-loading], [data-asking]");
  window.calm = calm ? (window.calm ?? 0) + 1 : 0;
  return window.calm > 2;
}"""
"""Nothing is asked in three frames one after the other: what follows from an answer is asked within one."""
AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"


def missing() -> str | None:
    """Say what is not here to look at pages with."""
    if not (BUILT / "index.html").is_file():
        return "the pages are not built: make pages"
    try:
        import playwright  # noqa: F401, PLC0415 - only where pages are looked at
    except ImportError:
        return "playwright is not installed: pip install 'taskscope[dev]'"
    return None


# Of one file of tests alone: as long as it lives, its event loop stands in the way of tests that run one of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give Debian's Chromium; without it skip, and on a machine that is for tests fail."""
    debian.require("chromium", "chromium")
    if reason := missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - see above

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def day(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server that knows a day of work that has just ended."""
    server = told_a_day(tmp_path_factory.mktemp("pages") / "home", time.time_ns() // 1_000_000)
    yield server
    server.stop()


def told_a_day(home: Path, now_ms: int, without: Collection[str] = ()) -> Server:
    """Start a server and tell it the day that ends now, but for the runs of some jobs."""
    server = Server(home)
    told = [fact for fact in facts(now_ms) if fact.get("job") not in without]
    for first in range(0, len(told), BATCH):
        answer = server.client.post("/api/v1/events", json=told[first : first + BATCH])
        assert answer.json()["rejected"] == []
    return server


class Looked:
    """A page in a browser, and whatever it complained about."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.url = url
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def open(self, path: str) -> Page:
        """Go to a page, and wait until nothing is loading any more."""
        self.page.goto(self.url + path, wait_until="commit")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until every question is answered and drawn."""
        self.page.wait_for_function(SETTLED)


@pytest.fixture(scope="module")
def reader(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Give the browser of somebody with a language, a theme and a screen: one each, so that files are loaded once."""
    contexts: dict[tuple[str, str, int, str], BrowserContext] = {}

    def of(language: str, theme: str, width: int, who: str) -> BrowserContext:
        key = (language, theme, width, who)
        if key not in contexts:
            contexts[key] = browser.new_context(viewport={"width": width, "height": 900}, timezone_id="Europe/Berlin")
            chosen = json.dumps({"language": language, "theme": theme})
            contexts[key].add_init_script(f"localStorage.setItem('taskscope.preferences', JSON.stringify({chosen}))")
        return contexts[key]

    yield of
    for context in contexts.values():
        context.close()


@pytest.fixture
def look(reader: Callable[..., BrowserContext], request: pytest.FixtureRequest) -> Iterator[Any]:
    """Give what opens a page, of the server with a day of work or of another one."""
    pages: list[Page] = []

    def opened(
        *, language: str = "en", theme: str = "light", width: int = 1280, url: str | None = None, who: str = ""
    ) -> Looked:
        looked = Looked(reader(language, theme, width, who), url or request.getfixturevalue("day").ready["url"])
        pages.append(looked.page)
        return looked

    yield opened
    for page in pages:
        page.close()


@pytest.fixture
def api(day: Server) -> httpx.Client:
    """Give what asks the API beside the pages."""
    return day.client
