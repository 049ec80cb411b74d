"""Recompute everything from the log and compare: shares nothing with ingest but the core.

1. Every fact still has the content that it was accepted with.
2. The fold of base and facts is what is stored of each task, boot and job; so are the runs and presence that follow.
3. Every cell is its sealed part and the contributions of the tasks that are kept; so are the counters for Prometheus.
4. Every pack says what the runs of its slice say, but for those that are to be packed anew.
5. What can't be computed again (bases, sealed parts, the mark) still fits its checksum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from taskscope.core import counters, presence, registry, task
from taskscope.core.cells import JobCell
from taskscope.core.clock import DAY, to_text
from taskscope.core.contributions import contributions
from taskscope.core.deltas import Deltas
from taskscope.core.events import canonical, content_hash
from taskscope.core.plain import NONE, limit_of
from taskscope.core.runs import view
from taskscope.stats import packing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from taskscope.core.presence import Life
    from taskscope.core.runs import Run
    from taskscope.ports import Audit, RunRow, Store, StoredBoot, StoredFact, StoredJob, StoredTask

MOST_DIFFERENCES = 1000

T = TypeVar("T")


def verify(store: Store) -> dict[str, Any]:
    """Compare what is stored with what the log says.

    Returns
    -------
    attempts and cells that were compared, and the differences: table, key, what was found and what was expected.
    At most `MOST_DIFFERENCES` are listed; `differences_total` counts them all.
    """
    with store.audit() as audit:
        return _Comparison(audit).run()


class _Recomputed:
    """The circumstances of runs, recomputed from the log."""

    def __init__(self, mark: int) -> None:
        self.mark = mark
        self.lives: dict[tuple[str, str], Life | None] = {}
        self.limits: dict[tuple[str, str], int | None] = {}

    def life(self, service: str, boot: str) -> Life | None:
        return self.lives.get((service, boot))

    def limit(self, service: str, job: str) -> int | None:
        return self.limits.get((service, job))


class _Comparison:
    """One run of verify."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._context = _Recomputed(audit.mark())
        self._deltas = Deltas()
        self._found: list[dict[str, Any]] = []
        self._total = 0
        self._attempts = 0

    def run(self) -> dict[str, Any]:
        for damage in self._audit.damage():
            self._differ(damage.table, damage.key, damage.what, None, None)
        for boot in self._audit.boots():
            self._readable("boot", "/".join(boot.key), self._boot, boot)
        for job in self._audit.jobs():
            self._readable("job", "/".join(job.key), self._job, job)
        for stored in self._audit.tasks():
            self._readable("task", "/".join(stored.key), self._task, stored)
        self._facts(self._audit.samples())
        cells = self._cells()
        for start, queue, stored_pack, expected in packing.differences(self._audit.packs):
            self._differ("pack", f"{to_text(start)} queue {queue or 'all'}", "value", stored_pack, expected)
        for damage in self._audit.unreadable():
            self._differ(damage.table, damage.key, damage.what, None, None)
        return {
            "attempts": self._attempts,
            "cells": cells,
            "differences": self._found,
            "differences_total": self._total,
            "mark": to_text(self._context.mark) if self._context.mark else None,
        }

    def _readable(self, table: str, key: str, compare: Callable[[T], None], stored: T) -> None:
        """Compare a subject; what can't even be decoded differs."""
        try:
            compare(stored)
        except (msgspec.MsgspecError, ValueError, TypeError, KeyError, OverflowError) as error:
            self._differ(table, key, f"can't be read: {error}", None, None)

    def _differ(self, table: str, key: str, what: str, stored: object, expected: object) -> None:
        self._total += 1
        if len(self._found) < MOST_DIFFERENCES:
            row = {"table": table, "key": key, "what": what, "stored": _shown(stored), "expected": _shown(expected)}
            self._found.append(row)

    def _compare(self, table: str, key: str, pairs: Iterable[tuple[str, object, object]]) -> None:
        for what, stored, expected in pairs:
            if stored != expected:
                self._differ(table, key, what, stored, expected)

    def _facts(self, facts: Iterable[StoredFact]) -> None:
        for event, content, _ in facts:
            if content_hash(event.id, canonical(event)) != content:
                self._differ("event", f"{event.id} {to_text(event.time)}", "content", event.type, None)

    # --- subjects ---

    def _boot(self, stored: StoredBoot) -> None:
        self._facts(stored.facts)
        key = "/".join(stored.key)
        base = presence.unpack(stored.base) if stored.base else None
        boot = presence.fold((fact.event for fact in stored.facts), base)
        life = boot.life()
        self._context.lives[stored.key[:2]] = life
        pairs: list[tuple[str, object, object]] = [
            ("folded", stored.folded, presence.pack(boot)),
            ("worker", stored.worker, boot.worker[2] if boot.worker else None),
            ("heartbeat_us", stored.heartbeat, life.heartbeat if life else None),
            ("ttl_us", stored.ttl, life.ttl if life else None),
        ]
        if stored.base is None:
            pairs.append(("received_us", stored.received, max((fact.received for fact in stored.facts), default=0)))
        pairs += [("key", stored.key, presence.boot_key(fact.event)) for fact in stored.facts]
        self._compare("boot", key, pairs)
        self._compare("presence", key, [("spans", stored.presence, boot.spans(cut=bool(stored.key[1])))])
        self._compare("boot_queue", key, [("queues", stored.queues, boot.serves())])

    def _job(self, stored: StoredJob) -> None:
        self._facts(stored.facts)
        job = registry.fold(
            (fact.event for fact in stored.facts), registry.unpack(stored.base) if stored.base else None
        )
        self._context.limits[stored.key] = registry.limit(job)
        pairs = [("folded", stored.folded, registry.pack(job)), ("limit_us", stored.limit, registry.limit(job))]
        self._compare("job", "/".join(stored.key), pairs)

    def _task(self, stored: StoredTask) -> None:
        self._facts(stored.facts)
        key = "/".join(stored.key)
        base = task.unpack(stored.base) if stored.base else None
        fold = task.fold((fact.event for fact in stored.facts), base)
        if not fold:
            self._differ("task", key, "has no fact", stored.state, None)
            return
        self._attempts += len(fold)
        seen = view(stored.key[0], fold, self._context)
        # Only a plain task may be kept without its fold, and only while the log holds all its facts.
        limit = limit_of(fold) if not stored.folded and base is None else None
        pairs = [
            ("folded", stored.folded, task.pack(fold) if limit is None else b""),
            ("limit_us", stored.limit, None if limit == NONE else limit),
            ("state", stored.state, seen.state),
            ("cancelled", stored.cancelled, seen.cancelled),
            ("job", stored.job, seen.job),
            ("queue", stored.queue, seen.queue),
            ("first_us", stored.first, seen.first),
        ]
        self._compare("task", key, pairs)
        self._runs(key, stored.runs, seen.runs)
        self._deltas.replace([], contributions(seen))

    def _runs(self, key: str, stored: list[RunRow], expected: list[Run]) -> None:
        wanted = {(run.attempt, run.run, run.submission): run for run in expected}
        for row in stored:
            name = f"{key} attempt {row.attempt} run {row.run or '-'}{row.submission and ' waiting'}"
            run = wanted.pop((row.attempt, row.run, row.submission), None)
            if run is None:
                self._differ("run", name, "is not in the log", row.state, None)
                continue
            self._compare("run", name, _run_pairs(row, run))
        for attempt, run_id, _ in wanted:
            self._differ("run", f"{key} attempt {attempt} run {run_id or '-'}", "is missing", None, "a row")

    # --- cells ---

    def _cells(self) -> int:
        jobs, workers = self._deltas.roll_up()
        for key, cell in self._audit.cells(sealed=True):
            jobs.setdefault(key, JobCell()).add(cell)
        for worker_key, work in self._audit.worker_cells(sealed=True):
            known = workers.get(worker_key, [0] * len(work))
            workers[worker_key] = [a + b for a, b in zip(known, work, strict=True)]
        coarse = self._audit.coarse_days()
        seen = self._match("cell", jobs, self._audit.cells(sealed=False), coarse)
        seen += self._match("worker_cell", workers, self._audit.worker_cells(sealed=False), coarse)
        self._series(counters.changes(jobs))
        return seen

    def _series(self, expected: dict[tuple[str, str, str], list[int]]) -> None:
        """Compare what counters hold to be true; the greatest values that they ever had are told nowhere else."""
        for key, packed in self._audit.series():
            self._readable("series", "/".join(key), lambda one: self._one_series(*one), (key, packed, expected))
        for key, truth in expected.items():
            self._differ("series", "/".join(key), "is missing", None, truth)

    def _one_series(
        self, key: tuple[str, str, str], packed: bytes, expected: dict[tuple[str, str, str], list[int]]
    ) -> None:
        wanted = expected.pop(key, [0] * counters.LENGTH)
        series = counters.unpack(packed)
        below = any(held < true for held, true in zip(series.held, series.truth, strict=False))
        self._compare("series", "/".join(key), [("truth", series.truth, wanted), ("held below truth", below, False)])

    def _match(
        self, table: str, expected: Mapping[Any, Any], stored: Iterable[tuple[Any, Any]], coarse: Mapping[int, int]
    ) -> int:
        missing = {key: value for key, value in expected.items() if _is_kept(key, coarse) and _holds(value)}
        seen = 0
        for key, value in stored:
            seen += 1
            wanted = missing.pop(key, None)
            if wanted is None:
                self._differ(table, _cell_name(key), "is not in the log", value, None)
            elif wanted != value:
                self._differ(table, _cell_name(key), "value", value, wanted)
        for key, value in missing.items():
            self._differ(table, _cell_name(key), "is missing", None, value)
        return seen


def _is_kept(key: tuple[int, int, str, str, str], coarse: Mapping[int, int]) -> bool:
    return key[0] >= coarse.get(key[1] // DAY * DAY, 0)


def _holds(value: JobCell | list[int]) -> bool:
    return bool(value) if isinstance(value, JobCell) else any(value)


def _cell_name(key: tuple[int, int, str, str, str]) -> str:
    granularity, start, service, name, queue = key
    kind = {0: "minute", 1: "hour", 2: "day"}.get(granularity, f"granularity {granularity}")
    return f"{kind} {to_text(start)} {service}/{name or '-'}/{queue or '-'}"


def _run_pairs(row: RunRow, run: Run) -> list[tuple[str, object, object]]:
    error_type, error_message = run.error or (None, None)
    return [
        ("anchor_us", row.anchor, run.anchor),
        ("job", row.job, run.job),
        ("queue", row.queue, run.queue),
        ("worker", row.worker, run.worker),
        ("boot", row.boot or "", run.boot),
        ("state", row.state, run.state),
        ("submitted_us", row.submitted, run.submitted),
        ("due_us", row.due, run.due),
        ("started_us", row.start, run.start),
        ("finished_us", row.finish, run.finish),
        ("duration_us", row.duration, run.duration),
        ("wait_us", row.wait, run.wait),
        ("skewed", row.skewed, run.skewed),
        ("outcome", row.outcome, run.outcome),
        ("inferred", row.inferred, run.inferred),
        ("end_type", row.end_type, run.end_type),
        ("end_id", row.end_id, run.end_id),
        ("error_type", row.error_type, error_type),
        ("error_message", row.error_message, error_message),
        ("progress", row.progress, run.progress),
        ("outputs", row.outputs, run.outputs),
        ("proof_us", row.proof, run.proof),
        ("recheck_us", row.recheck, run.recheck),
        ("fingerprint", row.fingerprint, run.fingerprint),
    ]


def _shown(value: object) -> str | None:
    if value is None:
        return None
    text = value.hex() if isinstance(value, bytes) else repr(value)
    return text if len(text) <= 300 else text[:299] + "…"
