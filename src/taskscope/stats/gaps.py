"""What is known to be missing: a figure over a gap is a lower bound, and the answer says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope.core.clock import LATEST_US, to_text
from taskscope.core.gaps import missing

if TYPE_CHECKING:
    from taskscope.ports import Filter, Questions


def gaps(q: Questions, where: Filter, start: int | None, end: int | None) -> dict[str, Any]:
    """Tell how many facts senders dropped in a window.

    Nobody knows their jobs, queues or workers, so only the services of the filter matter.
    """
    found = missing(q.gaps(where), (0 if start is None else start, LATEST_US if end is None else end))
    return {
        "task_facts": found.tasks,
        "other_facts": found.others,
        "since": None if found.since is None else to_text(found.since),
        "until": None if found.until is None else to_text(found.until),
    }
