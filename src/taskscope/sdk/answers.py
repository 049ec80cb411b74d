"""What a server's answer means: taken, refused, or no answer at all.

Only one thing counts as taken: a 200 whose body is a receipt for exactly as many events as were sent. A page of a
proxy, a redirect, a receipt for something else: all that is a server that is away, and nothing leaves the spool for it.
"""

from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple

import msgspec

from taskscope.errors import AccessDeniedError, BatchRefusedError, ServerAwayError
from taskscope.sdk.backoff import DENIED_S, retry_after_s
from taskscope.sdk.transport import Answer

_SHOWN = 300


class Refusal(NamedTuple):
    """One event of a batch that a server refused: its position and the reason."""

    position: int
    error: str


class _Rejected(msgspec.Struct):
    index: int
    error: str


class _Receipt(msgspec.Struct):
    accepted: int
    duplicates: int
    rejected: list[_Rejected]


class _Problem(msgspec.Struct):
    detail: str = ""
    title: str = ""


_receipt = msgspec.json.Decoder(_Receipt)
_problem = msgspec.json.Decoder(_Problem)


def judge(answer: Answer, sent: int, now: datetime) -> list[Refusal]:
    """Say which events of a batch were refused; all others are on the server's disk.

    Parameters
    ----------
    answer
        What the server said.
    sent
        How many events the batch held.
    now
        The clock, for a server that says until when it wants to be left alone and not what time it has.

    Raises
    ------
    BatchRefusedError
        The batch as a whole is malformed or too large.
    AccessDeniedError
        The token is refused.
    ServerAwayError
        Anything else.
    """
    status = answer.status
    if status == HTTPStatus.OK:
        return _refusals(answer.body, sent)
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        raise BatchRefusedError(_said(answer))
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        message = f"the server refuses the token of TASKSCOPE_TOKEN ({_said(answer)}); set one that may ingest"
        raise AccessDeniedError("denied", message, retry_after_s=DENIED_S)
    asked_s = retry_after_s(answer.headers.get("Retry-After"), answer.headers.get("Date"), now)
    if 300 <= status < 400:
        message = f"the server answers with a redirect ({status}), which is not followed: correct TASKSCOPE_URL"
        raise ServerAwayError(f"status {status}", message)
    raise ServerAwayError(f"status {status}", f"the server answers {_said(answer)}", retry_after_s=asked_s)


def _refusals(body: bytes, sent: int) -> list[Refusal]:
    try:
        receipt = _receipt.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _no_receipt(_shown(body)) from error
    indexes = {one.index for one in receipt.rejected}
    known = receipt.accepted + receipt.duplicates + len(receipt.rejected)
    whole = len(indexes) == len(receipt.rejected) and indexes <= set(range(sent))
    if known != sent or not whole or receipt.accepted < 0 or receipt.duplicates < 0:
        raise _no_receipt(f"a receipt for {known} of {sent} events")
    return [Refusal(one.index, one.error) for one in receipt.rejected]


def _no_receipt(instead: str) -> ServerAwayError:
    message = f"the server answers 200 and gives no receipt, but {instead}: is TASKSCOPE_URL a Taskscope server?"
    return ServerAwayError("no receipt", message)


def _said(answer: Answer) -> str:
    try:
        problem = _problem.decode(answer.body)
        reason = problem.detail or problem.title
    except (msgspec.DecodeError, RecursionError):
        reason = ""
    return f"{answer.status} {reason}".strip()[:_SHOWN]


def _shown(body: bytes) -> str:
    return repr(body[:60].decode("utf-8", "replace")) if body else "nothing"
