"""What is registered of jobs, by (service, job)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from taskscope.core.registry import FIELDS
from taskscope.stats.units import Instant, Milliseconds

if TYPE_CHECKING:
    from taskscope.ports import Filter, Name, Questions


class Registered(msgspec.Struct):
    """What `job.registered` facts and `taskscope.yaml` say of a job; null where nothing does."""

    job_name: str | None = None
    owner: str | None = None
    category: str | None = None
    description: str | None = None
    schedule: str | None = None
    timeout_ms: Milliseconds | None = None
    enabled: bool = True
    paused: bool = False
    next_run: Instant | None = None


def registered(q: Questions, where: Filter) -> dict[Name, Registered]:
    """Give what is registered of each job."""
    return {job: Registered(**_values(fold)) for job, fold in q.registered(where).items()}


def registered_together(q: Questions, where: Filter) -> Registered | None:
    """Give what is registered of jobs that are shown as one: per field the newest fact stands; None without any."""
    folds = list(q.registered(where).values())
    newest = {
        field: max((fold[field] for fold in folds if field in fold), key=lambda said: said[:2], default=None)
        for field in FIELDS
    }
    return Registered(**_values({field: said for field, said in newest.items() if said})) if folds else None


def _values(fold: dict[str, tuple[int, str, Any]]) -> dict[str, Any]:
    return {field: fold[field][2] for field in FIELDS if field in fold and fold[field][2] is not None}
