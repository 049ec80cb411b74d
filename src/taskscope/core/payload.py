"""The `data` of a fact: free JSON within bounds that every store and every language can hold."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from taskscope.core.known_data import check_data
from taskscope.core.refusal import refuse

DATA_LIMIT = 64 * 1024
DEPTH_LIMIT = 32

_MANY_DIGITS = re.compile(rb"\d{19}")
_encoder = msgspec.json.Encoder(order="deterministic")


def check_payload(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Check the data of an event of this type and bring it into its normal form.

    Raises
    ------
    InputError
        It is too large or too deep, holds an integer beyond 64 bits, or a known key holds what it can't mean.
    """
    try:
        text = _encoder.encode(data)
        beyond = _MANY_DIGITS.search(text) is not None and holds_beyond(data)
    except OverflowError:  # an older msgspec knows no such integers, a newer one writes them
        beyond = True
    if beyond:
        raise refuse("data", data, "holds an integer beyond 64 bits", "send such a number as text")
    if len(text) > DATA_LIMIT:
        message = f"is {len(text)} bytes long, more than 64 KiB"
        raise refuse("data", None, message, "keep large values elsewhere and send a reference")
    if text.count(b"{") + text.count(b"[") > DEPTH_LIMIT and _depth(data) > DEPTH_LIMIT:
        raise refuse("data", None, f"is nested deeper than {DEPTH_LIMIT} levels", "flatten it, or send it as text")
    if b"\\u0000" in text:
        data = _without_nul(data)
    return check_data(kind, data)


def holds_beyond(value: object) -> bool:
    """Tell whether an integer lies outside of what databases and other languages take for one."""
    if isinstance(value, int):
        return not -(1 << 63) <= value < 1 << 64
    if isinstance(value, dict):
        return any(holds_beyond(one) for one in value.values())
    return isinstance(value, list) and any(holds_beyond(one) for one in value)


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level:
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
        ]
        depth += 1
    return depth - 1


def _without_nul(value: Any) -> Any:
    """Replace NUL, which databases refuse in text, by the replacement character."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(one) for key, one in value.items()}
    return value
