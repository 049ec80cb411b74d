"""Jobs as the configuration describes them: recorded as facts, so that everything that is shown stays one of facts.

The configuration has the last word: whenever what is registered says otherwise, its own registration is recorded anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope import ingest
from taskscope.core import registry
from taskscope.core.clock import to_text
from taskscope.core.normalise import convert_event
from taskscope.ports import Filter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from taskscope.core.events import Event
    from taskscope.ports import Name, Store


def register(store: Store, jobs: Mapping[Name, Mapping[str, Any]], now: int) -> int:
    """Record a registration of each configured job that is registered otherwise.

    Parameters
    ----------
    jobs
        By (service, job), the fields of `job.registered`.
    now
        The time of the facts, microseconds.

    Returns
    -------
    How many were recorded.
    """
    if not jobs:
        return 0
    with store.questions() as q:
        known = q.registered(Filter(services=sorted({service for service, _ in jobs})))
    facts = [fact(name, fields, now) for name, fields in sorted(jobs.items())]
    changed = [
        (event, content) for event, content in facts if _differs(known.get((event.service, event.job or "")), event)
    ]
    return ingest.accept(store, changed, now).accepted if changed else 0


def fact(name: Name, fields: Mapping[str, Any], now: int) -> ingest.Fact:
    """Make the fact of one job.

    Raises
    ------
    InputError
        A field holds what it can't mean.
    """
    service, job = name
    return convert_event(
        {"type": "job.registered", "time": to_text(now), "service": service, "job": job, "data": dict(fields)}
    )


def _differs(known: registry.Job | None, event: Event) -> bool:
    fold = known or {}
    return any(field not in fold or fold[field][2] != value for field, value in event.data.items())
