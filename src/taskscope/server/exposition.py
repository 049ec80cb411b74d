"""Figures as Prometheus text and as OpenMetrics: the two forms that scrapers read.

Written here and not by a library, because a scrape may hold 100,000 lines: those of one series share the text of their
labels, and nothing is built that is not written.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from taskscope.stats.scheduling import LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

COUNTER, GAUGE, HISTOGRAM, INFO = "counter", "gauge", "histogram", "info"
_SUFFIX = {COUNTER: "_total", INFO: "_info"}
"""What the samples of a kind have behind the name of their family."""
_UNITS = ("seconds", "bytes", "ratio")


class Sample(NamedTuple):
    """A line of a family: what stands behind the family's name, its labels as text, and its value."""

    suffix: str
    labels: str
    value: float


class Family(NamedTuple):
    """Samples of one name; counters and infos are named without `_total` and `_info`."""

    name: str
    kind: str
    meaning: str
    samples: Sequence[Sample]


def labels(**values: str | None) -> str:
    """Write labels; one without a value is the same as none, and left out."""
    return ",".join([f'{name}="{_escaped(value)}"' for name, value in values.items() if value])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


Found = Iterable[tuple[str, float | None]]
"""Labels with their values; those without a value are left out."""


def counter(name: str, meaning: str, found: Found) -> Family:
    """Make a family of counters."""
    return _plain(name, COUNTER, meaning, found)


def gauge(name: str, meaning: str, found: Found) -> Family:
    """Make a family of gauges."""
    return _plain(name, GAUGE, meaning, found)


def info(name: str, meaning: str, found: Iterable[str]) -> Family:
    """Make a family that says nothing but labels."""
    return _plain(name, INFO, meaning, ((text, 1) for text in found))


def _plain(name: str, kind: str, meaning: str, found: Found) -> Family:
    return Family(name, kind, meaning, [Sample("", text, value) for text, value in found if value is not None])


def histogram(text: str, bounds: Sequence[str], counts: Sequence[int], total: float) -> list[Sample]:
    """Make the samples of one histogram.

    Parameters
    ----------
    text
        Its labels.
    bounds
        The upper bound of each bucket but the last, which has none.
    counts
        How many values lie below each bound, and how many there are.
    total
        Their sum.
    """
    comma = text and text + ","
    samples = [
        Sample("_bucket", f'{comma}le="{bound}"', count) for bound, count in zip((*bounds, "+Inf"), counts, strict=True)
    ]
    return [*samples, Sample("_count", text, counts[-1]), Sample("_sum", text, total)]


def write(families: Iterable[Family], *, openmetrics: bool = False) -> bytes:
    """Write families in one of the two forms; those without a sample are left out."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        suffix = _SUFFIX.get(family.kind, "")
        full = family.name + suffix
        if openmetrics:
            lines.append(f"# TYPE {family.name} {family.kind}\n")
            unit = next((unit for unit in _UNITS if family.name.endswith("_" + unit)), None)
            if unit is not None:
                lines.append(f"# UNIT {family.name} {unit}\n")
            lines.append(f"# HELP {family.name} {_escaped(family.meaning)}\n")
        else:
            kind = GAUGE if family.kind == INFO else family.kind
            meaning = family.meaning.replace("\\", "\\\\").replace("\n", "\\n")
            lines.append(f"# HELP {full} {meaning}\n# TYPE {full} {kind}\n")
        lines += [
            f"{full}{part}{{{text}}} {value}\n" if text else f"{full}{part} {value}\n"
            for part, text, value in family.samples
        ]
    if openmetrics:
        lines.append("# EOF\n")
    return "".join(lines).encode()


def wants_openmetrics(accept: str) -> bool:
    """Tell whether whoever asks reads OpenMetrics: by the rules of HTTP where both are named, it is the better one."""
    qualities = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for part in accept.split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if kind in qualities:
            qualities[kind] = max(qualities[kind], _quality(parameters))
    return qualities["application/openmetrics-text"] > 0 and (
        qualities["application/openmetrics-text"] >= qualities["text/plain"]
    )


def _quality(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


# --- what the paths of schedulers tell ---

_COUNTERS = (
    ("scheduler_job_success", "success_count", "Runs that succeeded."),
    ("scheduler_job_failure", "failure_count", "Runs that failed, timed out or were lost."),
)
_GAUGES = (
    ("scheduler_job_last_duration_ms", "last_duration_ms", "Duration of the newest finished run."),
    ("scheduler_job_last_run_timestamp", "last_timestamp", "When the newest finished run ended, in epoch seconds."),
    ("scheduler_job_duration_avg_ms", "avg_duration_ms", "Mean duration of the newest finished runs."),
    ("scheduler_job_duration_p50_ms", "p50_duration_ms", "Median duration of the newest finished runs."),
    ("scheduler_job_duration_p95_ms", "p95_duration_ms", "95th percentile of the newest finished runs."),
    ("scheduler_job_duration_p99_ms", "p99_duration_ms", "99th percentile of the newest finished runs."),
    ("scheduler_job_duration_min_ms", "min_duration_ms", "Shortest of the newest finished runs."),
    ("scheduler_job_duration_max_ms", "max_duration_ms", "Longest of the newest finished runs."),
)


def scheduler_text(jobs: Sequence[dict[str, Any]], counters: Mapping[str, Mapping[str, int]]) -> bytes:
    """Write what `taskscope.stats.scheduling.metrics` gives; jobs that never ran are left out.

    Parameters
    ----------
    counters
        By job, the counts that never fall: they stand in the place of those that late facts may lower.
    """
    ran = [job for job in jobs if job["last_status"] is not None or job["total_runs"]]
    texts = {job["job_id"]: labels(**{label: job[label] for label in LABELS}) for job in ran}
    families = [
        counter(name, meaning, ((texts[job["job_id"]], counters[job["job_id"]][field]) for job in ran))
        for name, field, meaning in _COUNTERS
    ]
    families += [
        gauge(name, meaning, ((texts[job["job_id"]], _number(job[field])) for job in ran))
        for name, field, meaning in _GAUGES
    ]
    return write(families)


def _number(value: float | str | None) -> float | None:
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value
