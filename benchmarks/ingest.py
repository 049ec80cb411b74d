"""The whole way into the embedded store, beside bare deduplicated inserts of the same lines into SQLite."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks import workload
from taskscope import ingest, stats
from taskscope.cli import collect_rarely
from taskscope.core.clock import DAY, HOUR, MINUTE, from_ms
from taskscope.core.normalise import decode_event
from taskscope.ports import Filter
from taskscope.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BATCH = 5_000
"""As a server writes them together, for both sides."""


def measure(folder: Path, tasks: int) -> dict[str, Any]:
    """Ingest tasks of three events, then ask and verify.

    Returns
    -------
    Events a second of wall and CPU time, the limit beside it, their ratio, seconds of each question, bytes an event;
    and the first two of tasks whose facts come far apart.
    """
    collect_rarely()  # as every command does
    arrived = workload.lines(tasks)
    store = SqliteStore(folder / "ours.db")
    now = from_ms(workload.FIRST_MS) + 30 * DAY
    first, second = _halves(arrived)
    halves = [_timed(lambda: _ours(store, first, now)), _timed(lambda: _ours(store, second, now))]
    bare = _timed(lambda: _bare(folder / "bare.db", arrived))
    wall, cpu = sum(half[0] for half in halves), sum(half[1] for half in halves)
    start = from_ms(workload.FIRST_MS) // HOUR * HOUR
    hours = max(1, tasks * 20_000 // HOUR)
    return {
        "events": len(arrived),
        "taskscope_events_per_s": round(len(arrived) / wall),
        "taskscope_events_per_cpu_s": round(len(arrived) / cpu),
        "taskscope_second_half_events_per_s": round(len(arrived) / 2 / halves[1][0]),
        "bare_insert_events_per_s": round(len(arrived) / bare[0]),
        "ratio": round(bare[0] / wall, 3),
        "bytes_per_event": round((folder / "ours.db").stat().st_size / len(arrived)),
        "seconds": {
            "stats_of_an_hour": _seconds(lambda: stats.stats(store, Filter(), start, start + HOUR)),
            "utilization_by_minute": _seconds(
                lambda: stats.utilization(store, Filter(), start, start + min(hours, 24) * HOUR, MINUTE)
            ),
            "last_1000_of_a_job": _seconds(lambda: stats.percentiles(store, Filter(jobs=["job-7"]))),
            "a_page_of_runs": _seconds(lambda: stats.runs(store, Filter())),
            "verify": _seconds(lambda: stats.verify(store)),
        },
        "differences": len(stats.verify(store)["differences"]),
        "apart": _apart(folder / "apart.db", tasks, now),
    }


def _apart(path: Path, tasks: int, now: int) -> dict[str, int]:
    """Ingest tasks that wait and run for minutes: their three facts come in different batches."""
    arrived = workload.lines(tasks, apart=True)
    wall, cpu = _timed(lambda: _ours(SqliteStore(path), arrived, now))
    return {
        "taskscope_events_per_s": round(len(arrived) / wall),
        "taskscope_events_per_cpu_s": round(len(arrived) / cpu),
    }


def _halves(arrived: list[bytes]) -> list[list[bytes]]:
    middle = len(arrived) // 2
    return [arrived[:middle], arrived[middle:]]


def _ours(store: SqliteStore, arrived: list[bytes], now: int) -> None:
    for position in range(0, len(arrived), BATCH):
        ingest.accept(store, [decode_event(line) for line in arrived[position : position + BATCH]], now)


def _bare(path: Path, arrived: list[bytes]) -> None:
    """Decode, and insert with a unique id: no state, no statistics, the same durability."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, id BLOB UNIQUE, time REAL, type TEXT, line BLOB)")
    for position in range(0, len(arrived), BATCH):
        connection.execute("BEGIN IMMEDIATE")
        rows = []
        for line in arrived[position : position + BATCH]:
            fields = msgspec.json.decode(line)
            rows.append((bytes.fromhex(fields["id"].replace("-", "")), fields["time"], fields["type"], line))
        connection.executemany("INSERT OR IGNORE INTO event (id, time, type, line) VALUES (?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
    connection.close()


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 4)
