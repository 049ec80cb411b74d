"""A real browser, and a page of another origin that it opens: what the page may learn and do here."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.server.access import admin
from tests.server.conftest import DEADLINE_S, Server

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PAGE = """<!doctype html><meta charset="utf-8"><body><script>
const told = {};
const base = "BASE";
async function ask(name, path, options) {
  try { const answer = await fetch(base + path, options); told[name] = answer.type + " " + answer.status; }
  catch (error) { told[name] = "failed"; }
}
function talk() {
  return new Promise((done) => {
    const socket = new WebSocket(base.replace("http", "ws") + "/api/v1/stream");
    socket.onopen = () => { told.socket = "open"; done(); };
    socket.onerror = () => { told.socket = "failed"; done(); };
  });
}
function script() {
  return new Promise((done) => {
    const made = document.createElement("script");
    made.onload = () => { told.script = "loaded"; done(); };
    made.onerror = () => { told.script = "failed"; done(); };
    made.src = base + "/api/v1/openapi.json";
    document.body.append(made);
  });
}
(async () => {
  await ask("read", "/api/v1/stats");
  await ask("send", "/api/v1/events", {method: "POST", body: '{"type":"task.submitted","time":0,"task":"forged"}',
                                       headers: {"Content-Type": "application/json"}});
  await ask("blind", "/api/v1/events", {method: "POST", mode: "no-cors", credentials: "include",
                                        body: '{"type":"task.submitted","time":0,"task":"forged"}'});
  await ask("cookie", "/api/v1/tokens", {method: "POST", mode: "no-cors", credentials: "include",
                                         body: '{"name":"forged","scopes":["admin"]}'});
  await talk();
  await script();
  await fetch("/told?" + new URLSearchParams({told: JSON.stringify(told)}));
})();
</script>"""


def browser() -> str:
    """Name the browser of this machine; skip where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    return found


@contextmanager
def elsewhere(page: str) -> Iterator[tuple[str, list[str], threading.Event]]:
    """Serve a page under another origin; give its address, and what it tells."""
    said: list[str] = []
    done = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode() if parts.path == "/" else b"")
            if parts.path == "/told":
                said.append(parse_qs(parts.query)["told"][0])
                done.set()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/", said, done
        server.shutdown()


@contextmanager
def opened(url: str, profile: Path) -> Iterator[None]:
    """Open a page, without a window."""
    command = [browser(), "--headless=new", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}"]
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    command += ["--disable-background-networking", "--host-resolver-rules=MAP rebound.example 127.0.0.1", url]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE_S)


@pytest.mark.parametrize("name", ["127.0.0.1", "rebound.example"])
def test_a_page_of_another_origin_learns_and_does_nothing(tmp_path: Path, name: str) -> None:
    browser()
    server = Server(tmp_path / "home")
    base = server.ready["url"].replace("127.0.0.1", name)
    try:
        with elsewhere(_PAGE.replace("BASE", base)) as (url, said, done), opened(url, tmp_path / "profile"):
            assert done.wait(3 * DEADLINE_S), "the page said nothing"
        told = json.loads(said[0])
        assert told.pop("script") == "failed"
        assert told.pop("socket") == "failed"
        assert told["read"] == told["send"] == "failed"
        assert {told["blind"], told["cookie"]} <= {"failed", "opaque 0"}
        figures = server.client.get("/api/v1/stats", headers=admin(server.home)).json()
        assert figures["submitted"] == 0
        listed = server.client.get("/api/v1/tokens", headers=admin(server.home)).json()["items"]
        assert [one["name"] for one in listed] == ["admin"]
    finally:
        server.stop()
