"""How long the questions of the pages take; utilisation beside DuckDB's scan of the same runs."""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING, Any

from benchmarks import workload
from taskscope import ingest, stats
from taskscope.cli import collect_rarely
from taskscope.core.clock import DAY, HOUR, MINUTE, from_ms
from taskscope.core.normalise import decode_event
from taskscope.ports import Filter
from taskscope.stats.packing import pack
from taskscope.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPACING_MS = 34.56
"""2.5 million tasks a day."""
_CHUNK = 50_000
_BATCH = 10_000
_ROUNDS = 30


def measure(folder: Path, tasks: int) -> dict[str, Any]:
    """Fill a store with tasks of three events, 2.5 million a day, and ask each question again and again.

    Returns
    -------
    Per question milliseconds of wall time: the first, the median and the 99th percentile (of 30: the greatest).
    """
    collect_rarely()  # as every command does
    store = SqliteStore(folder / "questions.db")
    newest = _fill(store, tasks)
    try:
        return {"events": 3 * tasks, **ask(store, newest)}
    finally:
        store.close()


def ask(store: SqliteStore, newest: int) -> dict[str, Any]:
    """Pack, and ask for the day until an instant."""
    started = time.process_time()
    slices = pack(store, newest + DAY)
    packed_s = time.process_time() - started
    end = newest // MINUTE * MINUTE
    window = (max(end - DAY, from_ms(workload.FIRST_MS) // MINUTE * MINUTE), end)
    answer: dict[str, Any] = {
        "window_hours": round((window[1] - window[0]) / HOUR, 1),
        "packing_ms_per_slice": round(packed_s * 1000 / slices, 1) if slices else None,
        "milliseconds": {name: _timed(question) for name, question in _questions(store, window).items()},
    }
    utilization = answer["milliseconds"]["utilization_by_minute"]["median"]
    answer["duckdb_scan"] = scan = _duckdb(store, window)
    if "median" in scan:
        answer["duckdb_to_taskscope"] = round(scan["median"] / utilization, 2)
    return answer


def _fill(store: SqliteStore, tasks: int) -> int:
    """Ingest tasks chunk by chunk, so that memory stays bounded; give when the last was submitted."""
    now = from_ms(workload.FIRST_MS) + 300 * DAY
    for first in range(0, tasks, _CHUNK):
        count = min(_CHUNK, tasks - first)
        facts = workload.facts(
            random.Random(first), count, workload.FIRST_MS + first * SPACING_MS, spacing_ms=SPACING_MS
        )
        arrived = [decode_event(line) for _, line in sorted(facts)]
        for position in range(0, len(arrived), _BATCH):
            ingest.accept(store, arrived[position : position + _BATCH], now)
    return from_ms(workload.FIRST_MS + tasks * SPACING_MS)


def _questions(store: SqliteStore, window: tuple[int, int]) -> dict[str, Callable[[], Any]]:
    everything, job, queue = Filter(), Filter(jobs=["job-7"]), Filter(queues=["queue-1"])
    odd = (window[0] + 12_345_678, window[1] - 1)
    middle = (window[0] + window[1]) // 2
    page = stats.runs(store, everything, window=(0, middle), limit=1)["next_cursor"]
    return {
        "overview_of_a_day": lambda: stats.stats(store, everything, *odd),
        "overview_of_the_last_hour": lambda: stats.stats(store, everything, window[1] - HOUR, window[1]),
        "overview_of_a_job": lambda: stats.stats(store, job, *odd),
        "utilization_by_minute": lambda: stats.utilization(store, everything, *window),
        "utilization_by_hour": lambda: stats.utilization(store, everything, *window, HOUR),
        "utilization_of_a_queue": lambda: stats.utilization(store, queue, *window, HOUR),
        "utilization_of_the_last_hour": lambda: stats.utilization(store, everything, window[1] - HOUR, window[1]),
        "percentiles_of_a_job": lambda: stats.percentiles(store, job),
        "percentiles_of_all_jobs": lambda: stats.percentiles(store, everything),
        "percentiles_of_a_job_and_a_day": lambda: stats.percentiles(store, job, start=odd[0], end=odd[1]),
        "page": lambda: stats.runs(store, everything),
        "page_in_the_middle": lambda: stats.runs(store, everything, cursor=page),
        "page_of_a_job": lambda: stats.runs(store, job),
    }


def _timed(work: Callable[[], Any]) -> dict[str, float]:
    taken = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return {
        "first": round(taken[0], 2),
        "median": round(statistics.median(taken), 2),
        "p99": round(max(taken), 2),
    }


_SCAN = """
    SELECT worker, minute, sum(least(ended, minute + 60000000) - greatest(began, minute)) AS busy
    FROM (SELECT worker, began, ended, unnest(range(began // 60000000 * 60000000, ended, 60000000)) AS minute
          FROM runs WHERE ended > ? AND began < ?)
    WHERE minute >= ? AND minute < ? GROUP BY worker, minute"""


def _duckdb(store: SqliteStore, window: tuple[int, int]) -> dict[str, Any]:
    """Let DuckDB add up the busy time by worker and minute, of all runs in a table of its own."""
    try:
        import duckdb
    except ImportError as error:
        return {"missing": str(error)}
    connection = duckdb.connect()
    connection.execute("CREATE TABLE runs (worker INTEGER, began BIGINT, ended BIGINT)")
    with store.questions() as q:
        parts = [q.packs.runs((0, window[1])), q.packs.long_runs((0, window[1]))]
    for runs in parts:
        columns = {"worker": runs.worker, "began": runs.spans.start, "ended": runs.spans.end}
        connection.register("given", columns)
        connection.execute("INSERT INTO runs SELECT worker, began, ended FROM given")
        connection.unregister("given")
    [[count]] = connection.execute("SELECT count(*) FROM runs").fetchall()
    taken = _timed(lambda: connection.execute(_SCAN, [*window, *window]).fetchnumpy())
    return {"runs": count, "threads": _threads(connection), **taken}


def _threads(connection: Any) -> int:
    return int(connection.execute("SELECT current_setting('threads')").fetchall()[0][0])
