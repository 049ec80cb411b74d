"""Finding the words: why a line that the typed decoder refused is no fact, field by field."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from taskscope.core.instants import read_instant
from taskscope.core.payload import DEPTH_LIMIT
from taskscope.core.refusal import NAME_LIMIT, bad_name, refuse, shown
from taskscope.errors import InputError

_anything = msgspec.json.Decoder()

_EXPECTED: dict[str, tuple[tuple[type, ...], str]] = {
    "type": ((str,), "send text"),
    "id": ((str,), "send text"),
    "service": ((str,), "send text"),
    "task": ((str, int), "send text or an integer of 64 bits"),
    "attempt": ((int,), "send an integer from 1"),
    "run": ((str,), "send text"),
    "job": ((str,), "send text"),
    "queue": ((str,), "send text"),
    "endpoint": ((str,), "send text"),
    "worker": ((str,), "send text"),
    "boot": ((str,), "send text"),
    "duration_ms": ((int, float), "send a finite number of milliseconds"),
    "data": ((dict,), "send a JSON object"),
}


_NAMES = ("id", "service", "run", "job", "queue", "endpoint", "worker", "boot")


def parse_json(line: bytes) -> Any:
    """Decode any JSON value.

    Raises
    ------
    InputError
        The text is no JSON; says where and, for known causes, why.
    """
    try:
        return _anything.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(line, error) from None


def explain(line: bytes, error: Exception) -> InputError:
    """Find the words for a line that the typed decoder refused."""
    try:
        value = _anything.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as syntax:
        return _not_json(line, syntax)
    return explain_fields(value, error)


def explain_fields(value: object, error: Exception) -> InputError:
    """Find which field of a decoded value does not fit, and say what to send."""
    if not isinstance(value, dict):
        return InputError("an event is a JSON object", value=shown(value), remedy="send one object a line")
    for field, (kinds, remedy) in _EXPECTED.items():
        found = value.get(field)
        if found is None:
            continue
        if not isinstance(found, kinds) or isinstance(found, bool):
            return refuse(field, found, f"is {_kind(found)}", remedy)
        if field in _NAMES and isinstance(found, str) and not 0 < len(found) <= NAME_LIMIT:
            return bad_name(field, found)
    if value.get("time") is not None:
        try:
            read_instant("time", value["time"])
        except InputError as refusal:
            return refusal
    return InputError(f"the event does not fit: {error}", value=shown(value), remedy="see the contract of events")


def _not_json(line: bytes, error: Exception) -> InputError:
    text, remedy = str(error), "send one JSON object a line, in UTF-8"
    if isinstance(error, RecursionError):
        return InputError(f"the JSON is nested deeper than {DEPTH_LIMIT} levels", remedy="flatten it")
    if re.search(rb"(?i)[:\[,]\s*-?(nan|inf)", line):
        text, remedy = "NaN and infinite numbers are no JSON", "send null, or leave the field out"
    elif re.search(rb"\\u[dD][89a-fA-F]", line):
        text, remedy = "a lone surrogate stands for no character", "send the whole pair, or UTF-8"
    elif "out of range" in text:
        text, remedy = "a number is too large for a 64-bit float", "send such a number as text"
    elif b"\0" in line[:4096] or isinstance(error, UnicodeDecodeError) or "UTF-8" in text:
        text = "this is no UTF-8 text"
    return InputError(f"not valid JSON: {text}", value=shown(line[:60].decode("utf-8", "replace")), remedy=remedy)


def _kind(value: object) -> str:
    names = {str: "text", bool: "a boolean", int: "an integer", float: "a number", list: "an array", dict: "an object"}
    return names.get(type(value), "of another kind")
