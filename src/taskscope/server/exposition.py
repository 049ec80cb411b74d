"""Figures as Prometheus text; the format itself is prometheus_client's."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from taskscope.stats.scheduling import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prometheus_client.core import Metric

TEXT = "text/plain; version=0.0.4"

_COUNTERS = (
    ("scheduler_job_success", "success_count", "Runs that succeeded."),
    ("scheduler_job_failure", "failure_count", "Runs that failed, timed out or were lost."),
)
_GAUGES = (
    ("scheduler_job_last_duration_ms", "last_duration_ms", "Duration of the newest finished run."),
    (
        "scheduler_job_last_run_timestamp",
        "last_timestamp",
        "When the newest finished run ended, in epoch seconds.",
    ),
    ("scheduler_job_duration_avg_ms", "avg_duration_ms", "Mean duration of the newest finished runs."),
    ("scheduler_job_duration_p50_ms", "p50_duration_ms", "Median duration of the newest finished runs."),
    (
        "scheduler_job_duration_p95_ms",
        "p95_duration_ms",
        "95th percentile of the newest finished runs.",
    ),
    (
        "scheduler_job_duration_p99_ms",
        "p99_duration_ms",
        "99th percentile of the newest finished runs.",
    ),
    ("scheduler_job_duration_min_ms", "min_duration_ms", "Shortest of the newest finished runs."),
    ("scheduler_job_duration_max_ms", "max_duration_ms", "Longest of the newest finished runs."),
)


def scheduler_text(jobs: Sequence[dict[str, Any]]) -> bytes:
    """Write what `taskscope.stats.scheduling.metrics` gives; jobs that never ran are left out."""
    ran = [job for job in jobs if job["last_status"] is not None or job["total_runs"]]
    return _text([*_families(CounterMetricFamily, _COUNTERS, ran), *_families(GaugeMetricFamily, _GAUGES, ran)])


def _families(
    kind: type[Metric], metrics: Iterable[tuple[str, str, str]], jobs: Sequence[dict[str, Any]]
) -> Iterator[Metric]:
    for name, field, meaning in metrics:
        family: Any = kind(name, meaning, labels=LABELS)  # type: ignore[call-arg]  # of both families, not of Metric
        for job in jobs:
            value = job[field]
            if value is not None:
                number = datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value
                family.add_metric([job[label] or "" for label in LABELS], number)
        yield family


class _Once:
    """A collector of families that are made already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Sequence[Metric]:
        return self._families


def _text(families: Sequence[Metric]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(families))
    return generate_latest(registry)
