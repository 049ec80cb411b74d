"""The rest of a path as a name: task ids and jobs may hold anything, slashes too."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from taskscope.core.refusal import shown
from taskscope.server.problems import ProblemError

if TYPE_CHECKING:
    from litestar import Request


def name_after(request: Request[Any, Any, Any], prefix: str) -> str:
    """Read the name that stands behind a prefix of the path, percent-encoded or not.

    From the path as it was sent: the framework's own holds no doubled slashes any more.

    Raises
    ------
    ProblemError
        It is no UTF-8.
    """
    sent: bytes = request.scope["raw_path"].partition(b"?")[0]
    try:
        return unquote_to_bytes(sent[len(prefix) :]).decode()
    except UnicodeDecodeError as error:
        detail = f"the path {shown(sent.decode('latin-1'))} is no UTF-8; percent-encode names in UTF-8"
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail) from error


def unknown(kind: str, name: str) -> ProblemError:
    """Make the answer for a name that no fact names."""
    return ProblemError(HTTPStatus.NOT_FOUND, f"no {kind} {shown(name)} is known; names are compared letter by letter")
