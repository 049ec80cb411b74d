"""Two scales that pages, checks and alerts share: how healthy completeness is, and how severe what is missing."""

from __future__ import annotations


def health(completeness: float | None) -> str:
    """Rate a completeness ratio.

    Parameters
    ----------
    completeness
        Found / expected, 0..1, or None when nothing was expected.

    Returns
    -------
    ``healthy`` from 0.95, ``degraded`` from 0.80, else ``unhealthy``; ``no_data`` for None: nothing expected is not
    100 %.
    """
    if completeness is None:
        return "no_data"
    if completeness >= 0.95:
        return "healthy"
    return "degraded" if completeness >= 0.80 else "unhealthy"


def severity(found: int, expected: int) -> str | None:
    """Rate what is missing, from counts, so that 99.9999 % never rounds up to ok.

    Returns
    -------
    ``ok`` for all, ``low`` from 95 %, ``medium`` from 80 %, ``high`` from 50 %, else ``critical``; None when nothing
    was expected.
    """
    if expected <= 0:
        return None
    if found >= expected:
        return "ok"
    for percent, name in ((95, "low"), (80, "medium"), (50, "high")):
        if found * 100 >= expected * percent:
            return name
    return "critical"
