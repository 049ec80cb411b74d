# noqa: INP001 - beside the pages, not a package
"""The page `docs/reference/api.md`, from the description that a server gives of itself."""

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from taskscope.server.access.demands import ANYBODY, OPEN, demand

HEAD = """\
<!-- Made by docs/generate.py from the description of the API: change the code, then run it again. -->

# Every path of the API

What `/api/v1/openapi.json` says, for reading: every path with its parameters, its answers and an example. What the
figures mean stands in [HTTP API](http-api.md) and [Statistics](statistics.md), and the WebSocket in
[The live stream](stream.md). The examples are asked of a server that holds
[minute.ndjson](../examples/minute.ndjson), which the tests do:

    taskscope import docs/examples/minute.ndjson
    taskscope serve
"""

SERVER = "http://127.0.0.1:8787"
_SCOPES = {OPEN: "nothing: it is open to everybody", ANYBODY: "any token, or a cookie"}
_QUERIES = {
    "/api/v1/stats": "from=2026-01-08T08:28:00Z&to=2026-01-08T08:29:00Z",
    "/api/v1/history": "from=2026-01-08T08:20:00Z&to=2026-01-08T08:40:00Z&step=10m",
    "/api/v1/utilization": "from=2026-01-08T08:28:00Z&to=2026-01-08T08:29:00Z&step=20s",
    "/api/v1/percentiles": "job=i2v&last=3",
    "/api/v1/runs": "job=i2v&outcome=succeeded&limit=2",
    "/api/v1/scheduler/metrics": "job=i2v",
}
_PATH = {"job": "i2v", "job_id": "i2v", "task": "a1", "task_id": "a1"}
_BODIES = {
    ("post", "/api/v1/events"): {"type": "task.submitted", "time": "2026-01-08T08:30:00Z", "task": "a9", "job": "i2v"},
}


def page() -> str:
    """Make the page."""
    description = described()
    schemas = description.get("components", {}).get("schemas", {})
    parts = [HEAD]
    for path, item in description["paths"].items():
        for method, operation in item.items():
            parts.append("\n".join(_operation(method, path, operation)))
    used = {name: schema for name, schema in schemas.items() if "properties" in schema}
    if used:
        parts.append("## What the answers are made of\n")
        parts += ["\n".join(_schema(name, schema)) for name, schema in sorted(used.items())]
    return "\n".join(parts).rstrip() + "\n"


def described() -> dict[str, Any]:
    """Give the description of the API."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the web framework warns of its own future
        from taskscope import config  # noqa: PLC0415
        from taskscope.server.application import create_app  # noqa: PLC0415

        application = create_app(None, config.load("/nowhere", environment={}))  # type: ignore[arg-type]
        return json.loads(json.dumps(application.openapi_schema.to_schema()))  # type: ignore[no-any-return]


def example(method: str, path: str, operation: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None] | None:
    """Give an address and a body to try an operation with; None where that would take more than the example holds."""
    body = _BODIES.get((method, path))
    if method != "get" and body is None:
        return None
    address = path
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            known = _PATH.get(parameter["name"])
            if known is None:
                return None
            address = address.replace("{" + parameter["name"] + "}", quote(known))
    query = _QUERIES.get(path)
    return (f"{address}?{query}" if query else address), body


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{method.upper()} {path}`\n"
    for field in ("summary", "description"):
        if operation.get(field):
            yield operation[field].rstrip(".") + ".\n"
    scope = demand(method.upper(), path)
    yield f"Takes {_SCOPES.get(scope, f'the scope `{scope}`')}.\n"
    parameters = [one for one in operation.get("parameters", []) if one["in"] != "cookie"]
    if parameters:
        yield "| parameter | in | type | meaning |\n|---|---|---|---|"
        for one in parameters:
            needed = ", required" if one.get("required") else ""
            meaning = _line(one.get("description") or one.get("schema", {}).get("description") or "")
            yield f"| `{one['name']}` | {one['in']}{needed} | {_type(one.get('schema', {}))} | {meaning} |"
        yield ""
    yield "| answer | type | holds |\n|---|---|---|"
    for status, answer in sorted(operation["responses"].items()):
        content = answer.get("content") or {"": {}}
        for kind, media in content.items():
            shown = f"`{kind}`" if kind else ""
            holds = _type(media.get("schema", {})) if status.startswith("2") else _line(answer.get("description", ""))
            yield f"| {status} | {shown} | {holds} |"
    yield ""
    tried = example(method, path, operation)
    if tried is not None:
        address, body = tried
        yield "```sh api\n" + _curl(method, address, body, shows_token=scope in ("operate", "admin")) + "\n```\n"


def _curl(method: str, address: str, body: Mapping[str, Any] | None, *, shows_token: bool) -> str:
    url = f"'{SERVER}{address}'" + (' -H "Authorization: Bearer $TASKSCOPE_TOKEN"' if shows_token else "")
    if body is None:
        return f"curl {url}"
    kind = "-H 'Content-Type: application/json'"
    return f"curl -X {method.upper()} {url} {kind} \\\n     -d '{json.dumps(body)}'"


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if schema.get("description"):
        yield _line(schema["description"]) + "\n"
    yield "| field | type | meaning |\n|---|---|---|"
    for field, kind in schema["properties"].items():
        yield f"| `{field}` | {_type(kind)} | {_line(kind.get('description', ''))} |"
    yield ""


def _type(schema: Mapping[str, Any]) -> str:
    """Say a type in a few words; a named one leads to its table."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "anything")
    kinds = (
        schema.get("oneOf")
        or schema.get("anyOf")
        or (isinstance(kind, list) and [{**schema, "type": one} for one in kind])
    )
    if kinds:
        return " or ".join(dict.fromkeys(map(_type, kinds)))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    values = schema.get("additionalProperties")
    return f"by name: {_type(values)}" if kind == "object" and isinstance(values, dict) else str(kind)


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
