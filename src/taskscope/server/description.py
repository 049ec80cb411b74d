"""`/api/v1/openapi.json`: what the framework gathers of routes and parameters, with our types and errors in it.

The framework knows which routes there are and what they take. The types of the answers are described by msgspec, which
writes their docstrings and units along; the errors are those that the handlers of problems can answer.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import msgspec
from litestar.openapi.plugins import JsonRenderPlugin

from taskscope.core.events import EVENT_TYPES
from taskscope.core.lifecycle import OUTCOMES, STATES
from taskscope.core.wire import Wire
from taskscope.server.access.demands import OPEN, demand
from taskscope.server.access.sessions import COOKIE
from taskscope.server.problems import MEDIA_TYPE
from taskscope.server.shapes import Problem, WrappedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litestar import Litestar, Request

CHOICES = {"state": STATES, "outcome": OUTCOMES, "Content-Encoding": ("gzip", "zstd")}
"""Parameters that take one of a few words, or several of them."""

_REF = "#/components/schemas/{name}"
_WRAPPED = "/api/v1/scheduler/"
EVENTS, SESSION = "/api/v1/events", "/api/v1/session"
_NEGOTIATED = ("Content-Type", "Accept")
_STATELESS = ("/api/v1/health",)
_TEXTS = {
    400: "The request makes no sense; `detail` says what to send instead",
    401: "No token, or none that opens anything",
    403: "The token does not allow it, or the request came to or from another name than those of the server",
    404: "Nobody knows this",
    405: "The path takes other methods",
    408: "The body did not come in time",
    413: "The body is too large: for events more than 10,000 of them or 16 MiB",
    415: "An unknown content type or encoding",
    429: "Too many requests; try again after Retry-After seconds",
    500: "The server failed; its log says why",
    503: "The store or the server is busy; try again after Retry-After seconds",
}
_RETRIED = (429, 503)


class Described(JsonRenderPlugin):
    """Answers the description; made once, since routes don't change."""

    _made: bytes = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Give the document."""
        if not self._made:
            self._made = msgspec.json.encode(describe(openapi_schema, answers(request.app)))
        return self._made


def answers(app: Litestar) -> list[Any]:
    """Give the types that the routes of an application answer with, and that they take."""
    found = set()
    for handler in (one for route in app.routes for one in getattr(route, "route_handlers", ())):
        returned, taken = handler.parsed_fn_signature.return_type, handler.parsed_data_field
        fields = [returned, *returned.inner_types, *([taken] if taken else [])]
        found |= {field.annotation for field in fields if _is_struct(field.annotation)}
    return sorted(found, key=lambda one: str(one.__name__))


def _is_struct(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, msgspec.Struct)


def describe(document: dict[str, Any], types: Iterable[Any]) -> dict[str, Any]:
    """Put types, choices and errors into a description.

    Parameters
    ----------
    document
        What the framework made; it is left as it is.
    types
        The types of the answers; the names of the framework are their names.
    """
    _, schemas = msgspec.json.schema_components([*types, Problem, WrappedError, Wire], ref_template=_REF)
    schemas["Event"] = _event(schemas.pop("Wire"))
    for schema in schemas.values():
        schema["description"] = cleandoc(schema["description"])
    paths = {
        path: {method: _operation(path, method, found) for method, found in item.items()}
        for path, item in document["paths"].items()
    }
    components = {**document.get("components", {}), "schemas": schemas, "securitySchemes": _SCHEMES}
    return {**document, "paths": paths, "components": components}


def _event(wire: dict[str, Any]) -> dict[str, Any]:
    about = "A fact; docs/reference/events.md says what each field means, and what `data` may hold for each type."
    properties = {**wire["properties"], "type": {"type": "string", "enum": list(EVENT_TYPES)}}
    return {**wire, "title": "Event", "description": about, "properties": properties, "required": ["type", "time"]}


def _operation(path: str, method: str, found: dict[str, Any]) -> dict[str, Any]:
    parameters = [_parameter(one) for one in found.get("parameters", []) if one["name"] not in _NEGOTIATED]
    made = {key: value for key, value in found.items() if key not in ("parameters", "deprecated")}
    if parameters:
        made["parameters"] = parameters
    if path == EVENTS:
        made["requestBody"] = _BODY
    demanded = demand(method.upper(), path)
    if demanded != OPEN:
        made["security"] = [{}, {"token": []}, {"session": []}]
    well = {status: answer for status, answer in found["responses"].items() if status.startswith("2")}
    if "204" in well:
        well["204"] = {"description": well["204"]["description"]}
    errors = {str(status): _error(path, status) for status in _statuses(path, method, made, demanded)}
    made["responses"] = {**well, **errors}
    return made


def _statuses(path: str, method: str, made: dict[str, Any], demanded: str) -> list[int]:
    """List the errors of an operation, by what it takes."""
    places = {one["in"] for one in made.get("parameters", [])}
    statuses = {403, 405}
    if "query" in places or "path" in places or "requestBody" in made:
        statuses.add(400)
    if "path" in places:
        statuses.add(404)
    if demanded != OPEN or path == SESSION:
        statuses |= {401, 429}
    if "requestBody" in made:
        statuses |= {413, 415} if path == EVENTS else {413}
    if method == "post":
        statuses.add(408)
    if path not in _STATELESS:
        statuses |= {500, 503}
    return sorted(statuses)


def _error(path: str, status: int) -> dict[str, Any]:
    # Where there is no such method there is no route, and so no wrapping.
    wrapped = path.startswith(_WRAPPED) and status != 405
    kind, media = (WrappedError, "application/json") if wrapped else (Problem, MEDIA_TYPE)
    content = {media: {"schema": {"$ref": _REF.format(name=kind.__name__)}}}
    made: dict[str, Any] = {"description": _TEXTS[status], "content": content}
    if status in _RETRIED:
        made["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}
    return made


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    """Describe a parameter by what may be sent: to leave it out is not to send null."""
    schema = one["schema"]
    kinds = [kind for kind in schema.get("oneOf", []) if kind.get("type") != "null"]
    if kinds:
        schema = {**kinds[0], **{key: value for key, value in schema.items() if key != "oneOf"}}
    schema = {key: _plain(value) for key, value in schema.items() if key != "description"}
    if one["name"] in CHOICES:
        words = {"type": "string", "enum": list(CHOICES[one["name"]])}
        schema = {**schema, "items": words} if schema["type"] == "array" else words
    made = {"name": one["name"], "in": one["in"], "required": one["required"], "schema": schema}
    return {**made, "description": one["description"]} if "description" in one else made


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token; none is asked for until the first is made"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "From `POST /api/v1/session`"},
}
_EVENT = {"$ref": _REF.format(name="Event")}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"anyOf": [{"type": "array", "items": _EVENT, "maxItems": 10_000}, _EVENT]}},
        "application/x-ndjson": {"schema": {"type": "string", "description": "An event a line"}},
    },
}
