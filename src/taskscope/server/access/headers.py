"""What every answer carries: what a browser may do with it."""

from __future__ import annotations

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Pages are files of ours: no inline script or style runs, whatever the name of a job says."""

_ALWAYS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_ENCRYPTED = {"strict-transport-security": "max-age=31536000"}
_PRIVATE = {"cache-control": "no-store"}

Header = tuple[bytes, bytes]


def with_security(given: list[Header], *, encrypted: bool, private: bool) -> list[Header]:
    """Add what is missing to the headers of an answer.

    Parameters
    ----------
    given
        The headers so far; what they say already stays.
    encrypted
        Whether the request came by TLS.
    private
        Whether the answer is for this caller alone, so that nothing may keep it.
    """
    wanted = _ALWAYS | (_ENCRYPTED if encrypted else {}) | (_PRIVATE if private else {})
    there = {name.lower() for name, _ in given}
    more = [(name.encode(), value.encode()) for name, value in wanted.items() if name.encode() not in there]
    return [*given, *more]
