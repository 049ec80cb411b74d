"""The fact as it is recorded, and its JSON: always valid, always within the limits of what a server accepts.

Applications hand over anything as arguments and raise anything as errors. Whatever can't be written as JSON is
shortened or left out here, because a fact without its arguments is worth more than no fact.
"""

import math
import operator
from datetime import UTC, datetime
from typing import Any

import msgspec

DATA_LIMIT_BYTES = 65_536
NAME_LIMIT = 200
REPR_LIMIT = 200
_ARGS_LEVELS = 30  # a server accepts 32, two of them are around the arguments
_SLIM_MESSAGE = 500
_SLIM_TRACEBACK = 5_000


class Fact(msgspec.Struct, omit_defaults=True, gc=False):
    """One event, with the fields of the wire format; what is None is left out. Times may be epoch milliseconds."""

    id: str
    type: str
    time: datetime | float
    service: str
    task: str | None = None
    attempt: int | None = None
    run: str | None = None
    job: str | None = None
    queue: str | None = None
    worker: str | None = None
    boot: str | None = None
    duration_ms: float | None = None
    data: dict[str, Any] | None = None


def encode(fact: Fact) -> bytes:
    """Encode a fact, shortening what is too large and replacing what has no JSON form.

    Raises
    ------
    Exception
        Whatever the encoder raises when even the shortened fact can't be written.
    """
    try:
        data = fact.data
        if data is None or "args" not in data or _acceptable(data["args"], _ARGS_LEVELS):
            payload = _encode(fact)
            if len(payload) <= DATA_LIMIT_BYTES:
                return payload
    except Exception:  # noqa: BLE001, S110 - arguments are foreign objects, they may raise anything
        pass
    return _encode(_slim(fact))


def text(value: object) -> str:
    """Turn what a caller gave into text without NUL characters, which a server refuses."""
    try:
        plain = value if isinstance(value, str) else str(value)
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        plain = type(value).__name__
    return plain.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in plain else plain


def name(value: object) -> str:
    """Turn what a caller gave as a name into text of an acceptable length, from 1 on."""
    return text(value)[:NAME_LIMIT] or "unnamed"


def optional_name(value: object) -> str | None:
    """Turn what a caller gave as a name into a name, None where it is absent or empty."""
    return None if value is None or value == "" else name(value)


def ordinal(value: object) -> int:
    """Turn what a caller gave as the number of an attempt into one, counted from 1."""
    return count(value) or 1


def count(value: object) -> int | None:
    """Turn what a caller gave into a count of at least 1, None for anything else."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # what has no index is what this is asked about
    except TypeError:
        return None
    return number if number > 0 else None


def ratio(value: object) -> float | None:
    """Turn what a caller gave into a share from 0 to 1, None for what is no finite number."""
    try:
        number = float(value)  # type: ignore[arg-type]  # the same
    except (TypeError, ValueError, OverflowError):
        return None
    return min(1.0, max(0.0, number)) if math.isfinite(number) else None


def instant(value: object) -> str | None:
    """Turn a datetime or epoch seconds into RFC 3339 UTC text; None for what is no time.

    A datetime without a zone is local time, as everywhere in the standard library.
    """
    try:
        if isinstance(value, int | float):
            value = datetime.fromtimestamp(value, UTC)
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (ArithmeticError, ValueError, OSError):
        return None
    return None


def milliseconds(seconds: object) -> float | None:
    """Turn a limit in seconds into milliseconds; None for what is no positive, finite number."""
    if isinstance(seconds, int | float) and math.isfinite(seconds) and seconds > 0:
        return seconds * 1000.0
    return None


def _foreign(value: object) -> str:
    return repr(value)[:REPR_LIMIT]


_encode = msgspec.json.Encoder(enc_hook=_foreign).encode


def _acceptable(value: object, levels: int) -> bool:
    """Tell whether a server takes these arguments: nested no deeper than that, integers within 64 bits."""
    if isinstance(value, int):
        return -(1 << 63) <= value < 1 << 64
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return True
    return levels > 0 and all(_acceptable(item, levels - 1) for item in value)


def _slim(fact: Fact) -> Fact:
    """Give the same fact without arguments, with a short error and clean text."""
    clean = {field: _clean(getattr(fact, field)) for field in Fact.__struct_fields__}
    data = clean["data"]
    if data is not None:
        data.pop("args", None)
        error = data.get("error")
        if isinstance(error, dict):
            error["message"] = error["message"][:_SLIM_MESSAGE]
            error["traceback"] = error["traceback"][-_SLIM_TRACEBACK:]
        data["shortened"] = True
    return Fact(**clean)


def _clean(value: Any) -> Any:
    """Replace lone surrogates, which no UTF-8 can hold, in a text or in a dict of texts."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items() if key != "args"}
    return value
