"""The built pages, from a table in memory.

It is made when the server starts, so no path of a request reaches the file system.
"""

from __future__ import annotations

import mimetypes
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.handlers import HTTPRouteHandler

BUILT = Path(__file__).parent / "static"
"""Where `make pages` puts them; every package ships them."""
PAGES = (
    "/",
    "/jobs",
    "/jobs/{job:path}",
    "/runs",
    "/runs/{task:path}",
    "/failures",
    "/heatmap",
    "/queues",
    "/workers",
    "/scheduler-monitoring",
    "/settings",
    "/sign-in",
)
"""The addresses of pages. All of them get the same document, which looks at the address itself."""

_INDEX = "index.html"
_ASSETS = "assets/"
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
_PACKED = tuple(_ENCODINGS.values())
_NOT_BUILT = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Taskscope</title>
<h1>Taskscope</h1>
<p>The pages are not built. In a checkout, <code>make pages</code> builds them; it needs Node.js 20.19 or newer.</p>
<p><a href="/api/v1/openapi.json">The API</a> answers without them.</p>
</html>
"""


class Static(NamedTuple):
    """A file as it is sent: its bodies by encoding (`identity` is always there), its type, its tag, its cache rule."""

    bodies: Mapping[str, bytes]
    media_type: str
    tag: str
    cache: str

    def answer(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Send it, or say that the browser has it."""
        headers = {"Cache-Control": self.cache, "ETag": self.tag, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == self.tag:
            return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        encoding = _chosen(request.headers.get("accept-encoding", ""), self.bodies)
        if encoding != "identity":
            headers["Content-Encoding"] = encoding
        return Response(self.bodies[encoding], media_type=self.media_type, headers=headers)


def load(folder: Path = BUILT) -> dict[str, Static]:
    """Read the built pages.

    Returns
    -------
    dict
        By path below the folder, with `/` between its parts. Without built pages, a document that says so.
    """
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in _PACKED]
    found = {path.relative_to(folder).as_posix(): path for path in files if path.name != "manifest.json"}
    if _INDEX not in found:
        return {_INDEX: _static(_INDEX, {"identity": _NOT_BUILT})}
    return {name: _static(name, _bodies(path)) for name, path in found.items()}


def handlers(table: Mapping[str, Static]) -> list[HTTPRouteHandler]:
    """Make the handlers that answer from a table."""

    @get(list(PAGES), sync_to_thread=False, include_in_schema=False)
    def get_page(request: Request[Any, Any, Any]) -> Response[bytes]:
        return table[_INDEX].answer(request)

    @get(f"/{_ASSETS}{{name:path}}", sync_to_thread=False, include_in_schema=False)
    def get_asset(request: Request[Any, Any, Any]) -> Response[bytes]:
        return _known(table, request.url.path.removeprefix("/")).answer(request)

    @get("/favicon.svg", sync_to_thread=False, include_in_schema=False)
    def get_icon(request: Request[Any, Any, Any]) -> Response[bytes]:
        return _known(table, "favicon.svg").answer(request)

    return [get_page, get_asset, get_icon]


def _known(table: Mapping[str, Static], name: str) -> Static:
    if name not in table:
        raise NotFoundException(detail=f"there is no file {name}")
    return table[name]


def _bodies(path: Path) -> dict[str, bytes]:
    packed = {encoding: path.with_name(path.name + ending) for encoding, ending in _ENCODINGS.items()}
    there = {encoding: file.read_bytes() for encoding, file in packed.items() if file.is_file()}
    return {**there, "identity": path.read_bytes()}


def _static(name: str, bodies: Mapping[str, bytes]) -> Static:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    # The names of assets hold a hash of their content, so what has such a name never changes.
    cache = _FOR_GOOD if name.startswith(_ASSETS) else _ASK_AGAIN
    tag = f'"{blake2b(bodies["identity"], digest_size=12).hexdigest()}"'
    return Static(bodies, media_type, tag, cache)


def _chosen(accepted: str, bodies: Mapping[str, bytes]) -> str:
    """Give the first of ours that a browser takes; it never has to take `identity` where it names something better."""
    named = {part.partition(";")[0].strip().lower(): part for part in accepted.split(",")}
    refused = {name for name, part in named.items() if part.replace(" ", "").endswith((";q=0", ";q=0.0"))}
    return next((one for one in bodies if one in named and one not in refused), "identity")
