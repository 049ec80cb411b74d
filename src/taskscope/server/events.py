"""`POST /api/v1/events`: facts come in."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import post
from litestar.params import HeaderParameter

from taskscope import ingest
from taskscope.server.batch import LIMIT_BYTES, Rejected, decode
from taskscope.server.context import GivenContext, GivenStore


class Receipt(msgspec.Struct):
    """What became of a batch; good events are kept, bad ones are named."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]


@post(
    "/api/v1/events",
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=LIMIT_BYTES,
    summary="Take events",
    description="NDJSON, a JSON array or one object; plain, gzip or zstd; at most 10,000 events or 16 MiB decoded.",
)
def take_events(
    body: bytes,
    store: GivenStore,
    context: GivenContext,
    content_type: Annotated[str, HeaderParameter(name="Content-Type", required=False)] = "",
    content_encoding: Annotated[str, HeaderParameter(name="Content-Encoding", required=False)] = "",
) -> Receipt:
    """Answer once the events are on disk."""
    facts, places, rejected = decode(body, content_type, content_encoding)
    receipt = ingest.accept(store, facts, context.clock())
    rejected += [Rejected(places[index], reason) for index, reason in receipt.rejected]
    rejected.sort(key=lambda one: one.index)
    return Receipt(receipt.accepted, receipt.duplicates, rejected)
