"""Any number of processes write one database: together they are one writer, whoever of them is killed."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
import pytest

from taskscope import ingest, stats
from taskscope.core.clock import MINUTE
from taskscope.core.wire import wire_form
from taskscope.errors import StoreBusyError, StoreUndoneError
from taskscope.store.postgres import PostgresStore, connection
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import EVERYTHING, START, a_run, deliver, fact, picture
from tests.postgres import Schemas, run
from tests.store.test_kill import LAST_MARK, WINDOWS, WRITER, facts, finish, kill_somewhere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskscope.ingest import Fact
    from taskscope.store.postgres.ledger import PostgresLedger


def written(path: Path, some: list[Fact]) -> Path:
    """Write facts to a file."""
    path.write_bytes(b"\n".join(msgspec.json.encode(wire_form(event)) for event, _ in some))
    return path


def expected(path: Path, some: list[Fact], mark: int) -> dict[str, Any]:
    """Give what a store of another kind says that took everything at once and undisturbed."""
    store = SqliteStore(path)
    deliver(store, some)
    ingest.sweep(store, mark)
    shown = picture(store, WINDOWS)
    store.close()
    return shown


def write(*arguments: object) -> subprocess.Popen[str]:
    """Start a writer."""
    return subprocess.Popen([sys.executable, str(WRITER), *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def test_eight_writers_of_which_three_are_killed_are_one_writer(schemas: Schemas, tmp_path: Path) -> None:
    lines, url, chance = written(tmp_path / "facts.ndjson", facts()), schemas.url("many"), random.Random(8)
    writers = [write(url, lines, f"writer {n}", 80) for n in range(8)]
    for writer in writers[:3]:
        kill_somewhere(writer, chance)
    again = [write(url, lines, f"again {n}", 80) for n in range(3)]
    for writer in writers[3:] + again:
        finish(writer)
    store = schemas.open("many")
    ingest.sweep(store, LAST_MARK)
    assert picture(store, WINDOWS) == expected(tmp_path / "one.db", facts(), LAST_MARK)
    assert stats.verify(store)["differences"] == []


@pytest.mark.soak
def test_twenty_times_eight_writers(schemas: Schemas, tmp_path: Path) -> None:
    lines, one = written(tmp_path / "facts.ndjson", facts()), expected(tmp_path / "one.db", facts(), LAST_MARK)
    for number in range(20):
        url, chance = schemas.url(f"round{number}"), random.Random(number)
        writers = [write(url, lines, f"{number} {n}", 50) for n in range(8)]
        for writer in writers[:4]:
            kill_somewhere(writer, chance)
        for writer in [*writers[4:], write(url, lines, f"{number} again", 50)]:
            finish(writer)
        store = schemas.open(f"round{number}")
        ingest.sweep(store, LAST_MARK)
        assert picture(store, WINDOWS) == one, f"round {number}"
        assert stats.verify(store)["differences"] == [], f"round {number}"


@pytest.mark.soak
def test_eight_writers_of_a_hundred_thousand_attempts(schemas: Schemas, tmp_path: Path) -> None:
    chance = random.Random(100_000)
    some = [
        made
        for n in range(100_000)
        for made in a_run(
            f"t{n}",
            chance.randrange(0, 1700),
            chance.lognormvariate(2, 1.5),
            chance.choice(["succeeded", "succeeded", "succeeded", "failed", "timed_out"]),
            job=f"j{n % 50}",
            queue=f"q{n % 5}",
            worker=f"w{n % 200}",
            boot=f"b{n % 200}",
            run=f"r{n}",
        )
    ]
    lines, url = written(tmp_path / "facts.ndjson", some), schemas.url("large")
    writers = [write(url, lines, f"writer {n}", 5000, 0.4) for n in range(7)]
    writers.append(write(url, lines, "all of them", 5000, 1))
    kill_somewhere(writers[0], chance)
    for writer in [*writers[1:], write(url, lines, "writer 0", 5000, 0.4)]:
        writer.communicate(timeout=900)
        assert writer.returncode == 0
    store = schemas.open("large")
    ingest.sweep(store, LAST_MARK)
    one = expected(tmp_path / "one.db", some, LAST_MARK)
    assert one["stats"]["submitted"] == 100_000
    assert picture(store, WINDOWS) == one
    assert stats.verify(store)["differences"] == []


class Cut(PostgresStore):
    """A store whose server ends the connection in the middle of its next transactions."""

    cuts = 0

    @contextmanager
    def ledger(self) -> Iterator[PostgresLedger]:
        with super().ledger() as ledger:
            if self.cuts:
                self.cuts -= 1
                run(self.beside, f"SELECT pg_terminate_backend({ledger._connection.info.backend_pid})")
            yield ledger

    beside = ""


@pytest.fixture
def cut(schemas: Schemas, postgres_database: str) -> Iterator[Cut]:
    """Give such a store."""
    store = Cut(schemas.url("cut"))
    store.beside = postgres_database
    yield store
    store.close()


def test_a_batch_whose_connection_is_lost_is_taken_again(cut: Cut) -> None:
    cut.cuts = 4
    assert deliver(cut, a_run("t", 0, 2, job="j"))[:2] == (3, 0)
    cut.cuts = 4
    ingest.sweep(cut, START + MINUTE)
    assert picture(cut)["mark"] == START + MINUTE
    assert stats.verify(cut)["differences"] == []


def test_a_server_that_ends_every_connection_is_given_up_and_nothing_is_kept(cut: Cut) -> None:
    cut.cuts = 5
    with pytest.raises(StoreUndoneError) as caught:
        deliver(cut, a_run("t", 0, 2, job="j"))
    assert caught.value.retryable
    assert picture(cut)["stats"]["submitted"] == 0


def test_connections_that_were_lost_while_nobody_used_them_are_replaced(cut: Cut, postgres_database: str) -> None:
    everybody = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    run(postgres_database, f"{everybody} AND pid != pg_backend_pid()")
    assert deliver(cut, a_run("t", 0, 2, job="j")).accepted == 3


def test_a_writer_that_can_not_get_the_lock_says_that_the_store_is_busy(
    schemas: Schemas, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.SETTINGS, "lock_timeout", "50ms")
    store = schemas.open("busy")
    with psycopg.connect(postgres_database) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (connection.WRITE_LOCK,))
        with pytest.raises(StoreBusyError, match="busy"):
            deliver(store, a_run("t", 0, 2, job="j"))
    assert deliver(store, a_run("t", 0, 2, job="j")).accepted == 3


def test_names_of_a_transaction_that_was_undone_are_not_remembered(schemas: Schemas) -> None:
    store = schemas.open("undone")
    with suppress(ZeroDivisionError), store.ledger() as ledger:
        ledger.append([fact("task.started", task="t", job="new", queue="q", worker="w")], START)
        ledger.move_mark(START // 0)
    deliver(store, a_run("t", 0, 2, job="new", queue="q", worker="w"))
    assert stats.verify(store)["differences"] == []


def test_numbers_of_names_are_forgotten_when_the_database_is_restored(schemas: Schemas) -> None:
    store = schemas.open("restored")
    deliver(store, a_run("t", 0, 2, job="j", queue="q", worker="w"))
    tables = "name, event, task, run, cell, worker_cell, series, pack, unpacked, change_log"
    other = "INSERT INTO name (kind, service, name) VALUES ('worker', 'default', 'another')"
    run(schemas.url("restored"), f"TRUNCATE {tables} RESTART IDENTITY", other)
    deliver(store, a_run("u", 0, 2, job="j", queue="q", worker="w"))
    assert stats.verify(store)["differences"] == []
    assert [row["worker"] for row in stats.runs(store, EVERYTHING)["items"]] == ["w"]


def test_servers_that_make_one_new_store_at_once_all_get_it(schemas: Schemas) -> None:
    url, opened = schemas.url("new"), []
    gate = threading.Barrier(6)

    def work() -> None:
        gate.wait()
        opened.append(PostgresStore(url))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in opened:
        assert stats.stats(store, EVERYTHING)["submitted"] == 0
        store.close()
    assert len(opened) == 6
