"""The built pages as they are sent: from memory, packed, kept for good where their name holds a hash."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from taskscope.server import pages
from taskscope.server.access.demands import OPEN, demand

INDEX = "<!doctype html><title>Taskscope</title>" + "x" * 4000
SCRIPT = "console.log('ä');" * 300


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (tmp_path / "secret").write_text("nobody's")
    (folder / "index.html").write_text(INDEX)
    (folder / "index.html.gz").write_bytes(gzip.compress(INDEX.encode()))
    (folder / "index.html.br").write_bytes(b"packed by Brotli")
    (folder / "manifest.json").write_text("{}")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-1a2b.js").write_text(SCRIPT)
    (folder / "assets" / "index-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    return folder


def serve(folder: Path) -> TestClient[Litestar]:
    return TestClient(Litestar(pages.handlers(pages.load(folder)), openapi_config=None))


def test_every_page_is_the_same_document(built: Path) -> None:
    with serve(built) as client:
        for path in ("/", "/jobs", "/jobs/a/b%2Fc", "/runs", "/runs/%E5%A5%BD/x", "/workers", "/settings", "/sign-in"):
            response = client.get(path)
            assert (response.status_code, response.text) == (200, INDEX), path
            assert response.headers["content-type"] == "text/html; charset=utf-8"
            assert response.headers["cache-control"] == "no-cache"


def test_assets_are_kept_for_good_and_others_asked_for_again(built: Path) -> None:
    with serve(built) as client:
        response = client.get("/assets/index-1a2b.js")
        assert response.text == SCRIPT
        assert "immutable" in response.headers["cache-control"]
        assert response.headers["content-type"].startswith("text/javascript")
        assert client.get("/favicon.svg").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("identity", None),
        ("", None),
    ],
)
def test_packed_bodies_are_sent_to_those_who_take_them(built: Path, accepted: str, encoding: str | None) -> None:
    with serve(built) as client, client.stream("GET", "/", headers={"Accept-Encoding": accepted}) as response:
        assert response.headers.get("content-encoding") == encoding
        assert response.headers["vary"] == "Accept-Encoding"
        body = b"".join(response.iter_raw())
    expected = {"br": b"packed by Brotli", None: INDEX.encode()}
    assert (gzip.decompress(body) if encoding == "gzip" else body) == expected.get(encoding, INDEX.encode())


def test_who_has_a_document_is_told_so(built: Path) -> None:
    with serve(built) as client:
        tag = client.get("/").headers["etag"]
        again = client.get("/", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../index.html",
        "/assets/..%2f..%2fsecret",
        "/assets/%2e%2e/%2e%2e/secret",
        "/assets//etc/passwd",
        "/assets/index-1a2b.js.gz",
        "/manifest.json",
        "/nothing",
    ],
)
def test_nothing_but_the_table_is_sent(built: Path, path: str) -> None:
    with serve(built) as client:
        assert client.get(path).status_code == 404


def test_without_built_pages_a_document_says_how_to_build_them(tmp_path: Path) -> None:
    with serve(tmp_path / "nothing") as client:
        assert "make pages" in client.get("/").text


def test_every_page_is_open_and_nothing_else_of_it() -> None:
    for path in pages.PAGES:
        assert demand("GET", path.replace("{job:path}", "a/b").replace("{task:path}", "a/b")) == OPEN, path
    assert demand("GET", "/assets/index-1a2b.js") == OPEN
    assert demand("GET", "/favicon.svg") == OPEN
    assert demand("GET", "/manifest.json") != OPEN


def test_the_server_sends_them(client: httpx.Client) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert "Taskscope" in response.text
    assert "script-src 'self'" in response.headers["content-security-policy"]
