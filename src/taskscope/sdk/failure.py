"""What is kept of an exception: its type, its message and its traceback, each within a bound."""

import traceback
from pathlib import Path
from types import TracebackType

MESSAGE_LIMIT = 2_000
TRACEBACK_LIMIT = 20_000
_OWN_FOLDER = str(Path(__file__).parent)


def describe(error: BaseException) -> dict[str, str]:
    """Describe an exception as the `error` object of a fact.

    Returns
    -------
    dict
        `type` (with its module unless built in), `message` (its first 2,000 characters) and `traceback` (its last
        20,000, because the cause stands at the end), without the frames of this package at the top.
    """
    kind = type(error)
    label = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return {"type": label, "message": _message(error)[:MESSAGE_LIMIT], "traceback": _trace(error)[-TRACEBACK_LIMIT:]}


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        return "<its message can't be read>"


def _trace(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(type(error), error, _foreign_part(error.__traceback__)))
    except Exception:  # noqa: BLE001 - formatting reads foreign source lines and foreign objects
        return ""


def _foreign_part(trace: TracebackType | None) -> TracebackType | None:
    """Skip the frames of our own wrapper at the top, which say nothing to the reader."""
    start = trace
    while start is not None and start.tb_frame.f_code.co_filename.startswith(_OWN_FOLDER):
        start = start.tb_next
    return start or trace
