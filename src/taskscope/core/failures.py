"""What makes two failed runs the same failure: the fingerprint that their facts give, else one made from the error.

1. The fingerprint that the sender gave (the SDK makes it from the type and the functions that the error came through);
   one of more than 64 characters is shortened to its hash.
2. Without one: the hash of the error's type and its message, in which UUIDs, addresses and hexadecimal ids, quoted
   texts and numbers are replaced, since they differ from run to run.
3. Without an error: the outcome itself, `failed`, `timed_out` or `lost`.

The hash is BLAKE2b, 64 bits, as 16 hexadecimal digits. It is no secret and no proof: it groups.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from taskscope.core import lifecycle

FAILURES = (lifecycle.FAILED_OUTCOME, lifecycle.TIMED_OUT, lifecycle.LOST)
"""The outcomes that are failures: what the success rate counts against."""

_LONGEST = 64
_DIGEST_BYTES = 8
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_HEX = r"0[xX][0-9a-fA-F]+|\b(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}\b"
# An apostrophe within a word ("can't") quotes nothing.
_QUOTED = r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"|`[^`\n]*`"
_NUMBER = r"\d+(?:[.,:]\d+)*"
_VARYING = re.compile(f"{_QUOTED}|{_UUID}|{_HEX}|{_NUMBER}")


def fingerprint(outcome: str | None, error: tuple[str, str] | None, given: str | None) -> str | None:
    """Give the fingerprint of a run.

    Parameters
    ----------
    outcome
        How it ended, None while it is open.
    error
        Type and message of its error, either may be empty.
    given
        The fingerprint that its end states.

    Returns
    -------
    None for a run that did not fail.
    """
    if outcome not in FAILURES:
        return None
    if given:
        return given if len(given) <= _LONGEST else _digest(given)
    if error is None or not any(error):
        return outcome
    kind, message = error
    return _digest(f"{kind}\n{normalised(message)}")


def normalised(message: str) -> str:
    """Replace what differs from run to run in a message by `#`."""
    return _VARYING.sub("#", message)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).hexdigest()
