"""Who this server believes to be, and which pages may talk to it.

A browser lets a page talk to its own name; whoever owns a name can let it lead to 127.0.0.1 (DNS rebinding). Then the
`Host` header still says that name. And a page elsewhere may send requests to any address, with the cookies that belong
there; browsers say in `Origin` and `Sec-Fetch-Site` where it came from. No page can forge these.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_OURS = ("same-origin", "none")  # of Sec-Fetch-Site; none: the user typed it, or came from a bookmark


def name_of(host: str) -> str:
    """Give the name in a Host header, in lower case and without the port; empty where there is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_local(host: str) -> bool:
    """Tell whether a Host header names this machine by a name that never leaves it."""
    name = name_of(host)
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761
        return True
    return is_loopback(name)


def is_loopback(address: str) -> bool:
    """Tell whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def is_known(host: str, names: Collection[str], bound: str) -> bool:
    """Tell whether a Host header names this server.

    Parameters
    ----------
    host
        The header.
    names
        Public names of this server.
    bound
        The address that the request arrived at. An address as Host is no name that anybody could let lead elsewhere.
    """
    name = name_of(host)
    return bool(name) and (is_local(host) or name in names or name == bound.partition("%")[0].lower())


def is_forwarded(headers: Mapping[str, str]) -> bool:
    """Tell whether a proxy passed a request on: then the address that it comes from says nothing about the sender."""
    return any(name in headers for name in _FORWARDED)


def is_foreign(headers: Mapping[str, str], *, encrypted: bool, navigates: bool = False) -> bool:
    """Tell whether a page of another origin sent a request; false for what is no browser.

    Parameters
    ----------
    headers
        Those of the request, names in lower case.
    encrypted
        Whether it is known to have come by TLS.
    navigates
        Whether it may be a link that somebody followed.
    """
    origin = headers.get("origin")
    if origin is not None:
        return not _is_own(origin, headers.get("host", ""), encrypted=encrypted)
    site = headers.get("sec-fetch-site", "none")
    return site not in _OURS and not (navigates and headers.get("sec-fetch-mode") == "navigate")


def shows_origin(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser says where a request came from."""
    return "origin" in headers or "sec-fetch-site" in headers


def _is_own(origin: str, host: str, *, encrypted: bool) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    # Behind a proxy that does not say so, a request by TLS looks like one without.
    schemes = ("https",) if encrypted else ("http", "https")
    return parts.scheme in schemes and bool(host) and parts.netloc.lower() == host.lower()
