"""Names and origins: what is ours, and what only looks so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskscope.server.hosts import is_foreign, is_forwarded, is_known, is_local, shows_origin


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "a.localhost", "127.0.0.1:8787", "127.9.9.9", "[::1]:1"])
def test_names_of_this_machine(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host",
    ["", "localhost.example", "127.0.0.1.example", "evil@localhost.example", "192.0.2.1", "[::2]", "[", "x, localhost"],
)
def test_names_that_only_look_so(host: str) -> None:
    assert not is_local(host)
    assert not is_known(host, {"monitor.example"}, "10.0.0.1")


def test_a_server_is_known_by_its_names_and_by_the_address_that_was_asked() -> None:
    names = {"monitor.example"}
    assert is_known("Monitor.Example.:443", names, "10.0.0.1")
    assert is_known("10.0.0.1:8787", names, "10.0.0.1")
    assert is_known("[fd00::1]:8787", names, "fd00::1")
    assert not is_known("10.0.0.2:8787", names, "10.0.0.1")
    assert not is_known("x.monitor.example", names, "10.0.0.1")


@pytest.mark.parametrize(
    ("origin", "encrypted", "foreign"),
    [
        ("http://monitor.example:8787", False, False),
        ("https://monitor.example:8787", False, False),  # TLS ended at a proxy that does not say so
        ("https://monitor.example:8787", True, False),
        ("http://monitor.example:8787", True, True),
        ("http://monitor.example", False, True),
        ("http://monitor.example:8788", False, True),
        ("http://evil.example", False, True),
        ("http://evil.example@monitor.example:8787", False, True),
        ("null", False, True),
        ("", False, True),
        ("file://monitor.example:8787", False, True),
        ("http://[", False, True),
    ],
)
def test_an_origin_is_ours_or_foreign(origin: str, encrypted: bool, foreign: bool) -> None:  # noqa: FBT001
    headers = {"host": "monitor.example:8787", "origin": origin}
    assert is_foreign(headers, encrypted=encrypted) is foreign
    assert shows_origin(headers)


def test_what_is_no_browser_says_nothing() -> None:
    assert not is_foreign({"host": "x"}, encrypted=False)
    assert not shows_origin({"host": "x"})


@given(st.sampled_from(["cross-site", "same-site", "something new"]), st.sampled_from(["cors", "no-cors", "websocket"]))
def test_a_page_elsewhere_is_foreign_by_what_browsers_say(site: str, mode: str) -> None:
    headers = {"host": "x", "sec-fetch-site": site, "sec-fetch-mode": mode}
    assert is_foreign(headers, encrypted=False, navigates=True)
    assert is_foreign(headers | {"sec-fetch-mode": "navigate"}, encrypted=False)
    assert not is_foreign(headers | {"sec-fetch-mode": "navigate"}, encrypted=False, navigates=True)
    assert not is_foreign(headers | {"sec-fetch-site": "same-origin"}, encrypted=False)


def test_a_proxy_is_known_by_what_it_adds() -> None:
    assert is_forwarded({"x-forwarded-for": "127.0.0.1"})
    assert is_forwarded({"via": "1.1 x"})
    assert not is_forwarded({"host": "x"})
