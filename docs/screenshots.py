# noqa: INP001 - a script beside the pages, not a package
"""Take the pictures of the README (`make screenshots`): pages of a server that knows the day of work of tests/e2e."""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.conftest import SETTLED, told_a_day  # noqa: E402
from tests.e2e.scene import HOSTILE  # noqa: E402

PICTURES = ROOT / "docs/pictures"
SHOWN = (
    ("overview", "/?range=24h", "en", "light"),
    ("job", "/jobs/i2v?range=24h", "en", "light"),
    ("run", "/runs/i2v-on-a-dead-worker", "en", "light"),
    ("heatmap", "/heatmap?range=24h", "en", "light"),
    ("workers", "/workers?range=24h", "en", "light"),
    ("overview-zh", "/?range=24h", "zh", "dark"),
)


def main() -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = told_a_day(Path(folder) / "home", time.time_ns() // 1_000_000, without=HOSTILE)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            for name, path, language, theme in SHOWN:
                _take(browser, server.ready["url"] + path, PICTURES / f"{name}.png", language, theme)
        finally:
            browser.close()
            server.stop()


def _take(browser: Browser, url: str, picture: Path, language: str, theme: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, timezone_id="UTC")
    chosen = json.dumps({"language": language, "theme": theme})
    context.add_init_script(f"localStorage.setItem('taskscope.preferences', JSON.stringify({chosen}))")
    page = context.new_page()
    page.goto(url, wait_until="commit")
    page.wait_for_function(SETTLED)
    page.screenshot(path=picture, animations="disabled")
    context.close()


if __name__ == "__main__":
    main()
