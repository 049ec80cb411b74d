"""What a request takes, from its method and path alone: one table, closed where it says nothing.

The table is read from the top, the first line that fits decides. What no line names takes `read` to look at and
`operate` to change: a new route is closed until somebody opens it here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from taskscope.core.access import ADMIN, AGENT, INGEST, OPERATE, READ

OPEN = "open"
"""Takes nothing."""
ANYBODY = "anybody"
"""Takes somebody, whatever that one may do."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

PAGES = (
    *("jobs", "runs", "failures", "heatmap", "queues", "workers", "gpus", "batches", "checks", "repairs", "alerts"),
    *("settings", "scheduler-monitoring", "sign-in"),
)
"""Pages: each is the same static file, which knows nothing until it asks the API."""


class _Line(NamedTuple):
    methods: frozenset[str]
    path: re.Pattern[str]
    demand: str


def _line(methods: str, path: str, demand: str) -> _Line:
    named = SAFE if methods == "GET" else frozenset(methods.split())
    return _Line(named, re.compile(path, re.DOTALL), demand)


_EVERY = "GET HEAD OPTIONS POST PUT PATCH DELETE"
_TABLE = (
    _line("GET", "/", OPEN),
    _line("GET", rf"/(?:{'|'.join(PAGES)})(?:/.*)?", OPEN),
    _line("GET", r"/assets/.*|/favicon\.(?:ico|svg|png)|/robots\.txt", OPEN),
    _line("GET", "/api/v1/health", OPEN),
    _line("GET", r"/api/v1/openapi\.json(?:/openapi\.json)?", OPEN),
    _line("POST", "/api/v1/session", OPEN),
    _line("GET HEAD OPTIONS DELETE", "/api/v1/session", ANYBODY),
    _line("POST", "/api/v1/events", INGEST),
    _line(_EVERY, "/api/v1/agent(?:/.*)?", AGENT),
    _line(_EVERY, "/api/v1/(?:tokens|audit|settings)(?:/.*)?", ADMIN),
)


def demand(method: str, path: str) -> str:
    """Say what a request takes: `OPEN`, `ANYBODY`, or a scope.

    Parameters
    ----------
    method
        The HTTP method; GET for a WebSocket.
    path
        As the router reads it: decoded, without doubled slashes or one at the end.
    """
    for line in _TABLE:
        if method in line.methods and line.path.fullmatch(path):
            return line.demand
    return READ if method in SAFE else OPERATE


def is_action(method: str, demanded: str) -> bool:
    """Tell whether a request is an action, of which a trace must stay."""
    return method not in SAFE and demanded in (OPERATE, ADMIN)
