"""What is kept of an exception: its type, its message, its traceback and its fingerprint, each within a bound."""

import contextlib
import traceback
from pathlib import Path
from types import TracebackType

from taskscope.sdk.fingerprint import fingerprint, type_name
from taskscope.sdk.redaction import Redactor

MESSAGE_LIMIT = 2_000
TRACEBACK_LIMIT = 20_000
_OWN_FOLDER = str(Path(__file__).parent)
_PLAIN = Redactor()
# Masked before it is cut to its limit, since half of a secret would not be recognised; and cut before it is masked,
# since a message may be as large as memory allows. What lies between the two is more than a secret is long.
_SLACK = 10


def describe(error: BaseException, redactor: Redactor = _PLAIN) -> dict[str, str]:
    """Describe an exception as the `error` object of a fact, without the secrets in it.

    Returns
    -------
    dict
        `type` (with its module unless built in), `message` (its first 2,000 characters), `traceback` (its last 20,000,
        because the cause stands at the end, without the frames of this package at the top) and `fingerprint`, which is
        missing where the frames can't be read.
    """
    trace = _foreign_part(error.__traceback__)
    described = {
        "type": type_name(error),
        "message": start_of(_message(error), redactor),
        "traceback": redactor.text(_trace(error, trace)[-_SLACK * TRACEBACK_LIMIT :])[-TRACEBACK_LIMIT:],
    }
    # Names of modules and types are foreign objects too.
    with contextlib.suppress(Exception):
        described["fingerprint"] = fingerprint(error, trace)
    return described


def start_of(message: str, redactor: Redactor) -> str:
    """Give the first 2,000 characters of a text, without the secrets in it."""
    return redactor.text(message[: _SLACK * MESSAGE_LIMIT])[:MESSAGE_LIMIT]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        return "<its message can't be read>"


def _trace(error: BaseException, trace: TracebackType | None) -> str:
    try:
        return "".join(traceback.format_exception(type(error), error, trace))
    except Exception:  # noqa: BLE001 - formatting reads foreign source lines and foreign objects
        return ""


def _foreign_part(trace: TracebackType | None) -> TracebackType | None:
    """Skip the frames of our own wrapper at the top, which say nothing to the reader."""
    start = trace
    while start is not None and start.tb_frame.f_code.co_filename.startswith(_OWN_FOLDER):
        start = start.tb_next
    return start or trace
