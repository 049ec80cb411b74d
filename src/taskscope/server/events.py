"""`POST /api/v1/events`: facts come in."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.exceptions import InternalServerException
from litestar.params import HeaderParameter, SkipValidation

from taskscope.server.batch import LIMIT_BYTES
from taskscope.server.intake import Intake, Receipt
from taskscope.server.problems import ProblemError

if TYPE_CHECKING:
    from taskscope.server.room import Place

BODY_S = 60
"""How long a sender may take to send one body."""

GivenIntake = NamedDependency[SkipValidation[Intake]]


@post(
    "/api/v1/events",
    status_code=200,
    operation_id="sendEvents",
    request_max_body_size=LIMIT_BYTES,
    summary="Take events",
    description="NDJSON, a JSON array or one object; plain, gzip or zstd; at most 10,000 events or 16 MiB decoded. "
    "503 with Retry-After: there is no room now, send it again.",
)
async def take_events(
    request: Request[Any, Any, Any],
    intake: GivenIntake,
    content_type: Annotated[str, HeaderParameter(name="Content-Type", required=False)] = "",
    content_encoding: Annotated[
        str, HeaderParameter(name="Content-Encoding", required=False, description="Left out for none.")
    ] = "",
) -> Receipt:
    """Answer once the events are on disk."""
    services = request.scope["state"]["caller"].services
    with intake.room.place(min(request.content_length or 0, LIMIT_BYTES)) as place:
        body = await _body(request, place)
        return await intake.take(body, content_type, content_encoding, place, services)


async def _body(request: Request[Any, Any, Any], place: Place) -> bytes:
    chunks: list[bytes] = []
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                place.check()
                place.grow(len(chunk))
                chunks.append(chunk)
    except TimeoutError as error:
        detail = f"the body did not come within {BODY_S} seconds; send less at once"
        raise ProblemError(HTTPStatus.REQUEST_TIMEOUT, detail) from error
    except InternalServerException as error:
        # The sender has gone: nobody reads this, and it is nothing that a log should call an error.
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the body ended before its end") from error
    return b"".join(chunks)
