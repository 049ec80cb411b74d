"""The body of a POST of events: from bytes to facts, in bounded memory."""

from __future__ import annotations

import re
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from taskscope.core.explain import parse_json
from taskscope.core.normalise import decode_event
from taskscope.core.refusal import refuse
from taskscope.errors import InputError
from taskscope.server.decompress import GZIP, ZSTD, decompress
from taskscope.server.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Collection

    from taskscope.ingest import Fact

LIMIT_EVENTS = 10_000
LIMIT_BYTES = 16 << 20

NDJSON = "application/x-ndjson"
JSON = "application/json"
_ENCODINGS = {"": None, "identity": None, "gzip": GZIP, "x-gzip": GZIP, "zstd": ZSTD}
_LINE = re.compile(rb"[^ \t\r\n][^\n]*")
_BOM = b"\xef\xbb\xbf"
_array = msgspec.json.Decoder(list[msgspec.Raw])


class Rejected(msgspec.Struct):
    """One event of a batch that was refused, and why."""

    index: int
    error: str


class Batch(NamedTuple):
    """A batch that was read.

    Attributes
    ----------
    facts
        What can be taken.
    places
        The position of each fact in the batch.
    rejected
        What was refused.
    size_bytes
        How long the batch is, decompressed.
    """

    facts: list[Fact]
    places: list[int]
    rejected: list[Rejected]
    size_bytes: int


def decode(body: bytes, content_type: str, encoding: str, services: Collection[str] | None = None) -> Batch:
    """Read a batch.

    Parameters
    ----------
    body, content_type, encoding
        What was sent.
    services
        The only ones whose facts its sender may write; None for all.

    Raises
    ------
    ProblemError
        The batch as a whole is malformed, too large, or of another format.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (NDJSON, JSON):
        detail = f"Content-Type {kind or 'is missing'}: send {NDJSON} or {JSON}"
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    text = _decoded(body, encoding).removeprefix(_BOM)
    try:
        events = _lines(text) if kind == NDJSON else _elements(text)
    except (InputError, msgspec.DecodeError) as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, str(error)) from error
    if len(events) > LIMIT_EVENTS:
        raise _too_large(f"the batch has more than {LIMIT_EVENTS} events")
    facts: list[Fact] = []
    places: list[int] = []
    rejected: list[Rejected] = []
    for index, event in enumerate(events):
        try:
            fact = decode_event(event)
            if services is not None:
                _check_service(fact, services)
        except InputError as error:
            rejected.append(Rejected(index, str(error)))
        else:
            facts.append(fact)
            places.append(index)
    return Batch(facts, places, rejected, len(text))


def _check_service(fact: Fact, services: Collection[str]) -> None:
    service = fact[0].service
    if service not in services:
        raise refuse("service", service, "is not one of this token's", f"it writes for {', '.join(sorted(services))}")


def _decoded(body: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding not in _ENCODINGS:
        detail = f"Content-Encoding {encoding!r} is not known: send gzip, zstd or none"
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    kind = _ENCODINGS[encoding]
    if kind is None:
        text = body
    else:
        pieces, length = [], 0
        try:
            for piece in decompress([body], kind):
                pieces.append(piece)
                length += len(piece)
                if length > LIMIT_BYTES:  # at once: a bomb is not unpacked to its end
                    break
        except InputError as error:
            raise ProblemError(HTTPStatus.BAD_REQUEST, str(error)) from error
        text = b"".join(pieces)
    if len(text) > LIMIT_BYTES:
        raise _too_large("the batch is longer than 16 MiB")
    return text


def _too_large(what: str) -> ProblemError:
    return ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{what}; send it in several batches")


def _lines(text: bytes) -> list[bytes]:
    # A line that only an array could begin is a mistake of the whole request, not of thousands of lines.
    if text.lstrip().startswith(b"["):
        raise InputError("the body is a JSON array", remedy=f"send it as {JSON}, or one event a line")
    # Not split at every line break: 16 MiB of them would become as many lines before anybody counts them.
    found = islice(_LINE.finditer(text), LIMIT_EVENTS + 1)
    return [line[0].rstrip(b" \t\r") for line in found]


def _elements(text: bytes) -> list[bytes]:
    start = text.lstrip()[:1]
    if start == b"{":
        parse_json(text)
        return [text]
    if start != b"[":
        parse_json(text)
        raise InputError("the body is neither an array nor an object", remedy="send an array of events, or one event")
    try:
        return [bytes(raw) for raw in _array.decode(text)]
    except (msgspec.DecodeError, RecursionError):
        parse_json(text)  # finds better words
        raise
