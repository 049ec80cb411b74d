"""What a request takes: whatever way a path is spelled, the door and the router read the same one."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskscope import config

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the web framework warns of its own future
    from litestar.exceptions import HTTPException

    from taskscope.server.access.demands import OPEN, PAGES, SAFE, demand
    from taskscope.server.access.request import Seen
    from taskscope.server.application import create_app

    APPLICATION: Any = create_app(None, config.load("/nowhere", environment={}))  # type: ignore[arg-type]
    ROUTER = APPLICATION.asgi_router

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
PARTS = st.sampled_from(
    [
        "",
        "",
        "api",
        "v1",
        "tokens",
        "session",
        "health",
        "openapi.json",
        "audit",
        "events",
        ".",
        "..",
        "x\n",
        "jobs",
        "ö",
    ]
)


def seen(method: str, path: str) -> Seen:
    return Seen.of({"type": "http", "method": method, "path": path, "headers": [], "scheme": "http"})  # type: ignore[arg-type]


@given(st.sampled_from(METHODS), st.lists(PARTS, max_size=8), st.booleans())
def test_a_spelling_takes_as_much_as_the_route_that_it_leads_to(method: str, parts: list[str], ends: bool) -> None:  # noqa: FBT001
    path = "/" + "/".join(parts) + "/" * ends
    read = seen(method, path)
    try:
        _, _, routed, parameters, template = ROUTER.handle_routing(path=read.path, method=method)
    except HTTPException:
        return
    plain = template.replace("{name:str}", "x") if parameters else template
    assert demand(method, read.path) == demand(method, plain or "/"), (path, routed)


def test_of_the_api_these_are_open_and_no_more() -> None:
    """Of all routes, those that no description names as well."""
    routes = {(method, route.path_format) for route in APPLICATION.routes for method in getattr(route, "methods", ())}
    is_open = {route for route in routes if demand(*route) == OPEN and route[1] not in ("/", "/favicon.svg")}
    pages = {route for route in is_open if route[1].startswith(tuple(f"/{page}" for page in (*PAGES, "assets/")))}
    document = "/api/v1/openapi.json"
    assert {(method, path) for method, path in is_open - pages if method != "OPTIONS"} == {
        *(("GET", "/api/v1/health"), ("POST", "/api/v1/session")),
        *(("GET", document), ("GET", f"{document}/openapi.json")),
    }
    assert not [page for page in PAGES if page.startswith(("api", "metrics", "gpu_info"))]


@given(st.text(), st.sampled_from(METHODS))
def test_what_nobody_named_is_never_open(name: str, method: str) -> None:
    for path in (f"/api/{name}", f"/api/v1/new/{name}", f"/metrics/{name}"):
        assert demand(method, seen(method, path).path) != OPEN
    if method not in SAFE:
        assert demand(method, seen(method, f"/{name}").path) != OPEN


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/jobs/../api/v1/tokens", OPEN),  # a page by that name: the router goes no step back either
        ("GET", "/api/v1/healthy", "read"),
        ("GET", "/api/v1/tokens2", "read"),
        ("POST", "/api/v1/events/x", "operate"),
        ("POST", "/api/v1/health", "operate"),
        ("GET", "/metrics", "read"),
        ("GET", "/gpu_info", "read"),
        ("GET", "/api/v1/stream", "read"),
        ("POST", "/api/v1/agent/commands", "agent"),
        ("POST", "/api/v1/scheduler/jobs/j/trigger", "operate"),
        ("POST", "/api/monitoring/data-consistency/check", "operate"),
        ("TRACE", "/", "operate"),
        ("", "/", "operate"),
    ],
)
def test_a_path_takes_what_the_table_says(method: str, path: str, expected: str) -> None:
    assert demand(method, path) == expected
