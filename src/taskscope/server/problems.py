"""Errors as RFC 9457 problem documents; the one place where errors become HTTP statuses."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from taskscope.errors import InputError, StoreBusyError, TaskscopeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1

_log = logging.getLogger("taskscope")


class ProblemError(Exception):
    """Raised when a request is answered with a problem.

    Parameters
    ----------
    status
        The HTTP status.
    detail
        What is wrong, and what to send instead.
    headers
        Headers of the answer.
    """

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def saturated(detail: str) -> ProblemError:
    """Make the answer of a server that has no room now: the same request may be sent again a little later."""
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": str(RETRY_AFTER_S)})


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """Make a problem document."""
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(msgspec.json.encode(document), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _problem(_: Request[Any, Any, Any], error: ProblemError) -> Response[bytes]:
    return problem(error.status, error.detail, error.headers)


def _ours(_: Request[Any, Any, Any], error: TaskscopeError) -> Response[bytes]:
    if isinstance(error, UsageError | InputError):
        return problem(400, str(error))
    if isinstance(error, StoreBusyError):
        return problem(503, str(error), {"Retry-After": str(RETRY_AFTER_S)})
    _log.error("a request failed: %s", error)
    return problem(500, str(error))


def _http(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    if error.status_code >= 500:
        _log.error("a request failed: %s", error, exc_info=error)
    reasons = error.extra if isinstance(error.extra, list) else []
    details = [
        f"{reason.get('key', '')}: {reason.get('message', '')}" for reason in reasons if isinstance(reason, dict)
    ]
    return problem(error.status_code, "; ".join(details) or error.detail, error.headers)


def _nested(request: Request[Any, Any, Any], error: RecursionError) -> Response[bytes]:
    if request.method in ("GET", "HEAD", "DELETE"):
        return _unforeseen(request, error)
    return problem(400, "the JSON of the body is nested too deeply; flatten it")


def _unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "the server failed; its log says why")


HANDLERS: Mapping[Any, Any] = {
    ProblemError: _problem,
    TaskscopeError: _ours,
    HTTPException: _http,
    RecursionError: _nested,
    Exception: _unforeseen,
}
"""Exception handlers, for the application."""
