"""Two servers on one PostgreSQL are one, while one of them is killed and started again."""

import json
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from taskscope import stats
from taskscope.core.wire import wire_form
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import EVERYTHING, a_run, deliver
from tests.cli.facts import ndjson
from tests.postgres import Schemas, run
from tests.server.conftest import Server
from tests.server.follow import Follower, runs_of

NDJSON = {"Content-Type": "application/x-ndjson"}


FACTS = [
    fact
    for n in range(400)
    for fact in a_run(f"t{n}", n, n % 50, ("succeeded", "failed")[n % 2], job=f"j{n % 7}", queue="q", worker="w")
]


def shuffled() -> list[bytes]:
    """Give batches in which the facts of a run lie apart."""
    mixed = random.Random(2).sample(FACTS, len(FACTS))
    return [ndjson(wire_form(event) for event, _ in mixed[start : start + 40]) for start in range(0, len(mixed), 40)]


def expected(path: Path) -> object:
    """Give what a store of another kind says that took everything at once."""
    store = SqliteStore(path)
    deliver(store, FACTS)
    answer = stats.stats(store, EVERYTHING)
    store.close()
    return answer


def post_all(server: Server, batches: list[bytes], seed: int) -> int:
    """Post all batches in an order of its own; give how many were answered with 200."""
    answered = 0
    for batch in random.Random(seed).sample(batches, len(batches)):
        try:
            server.client.post("/api/v1/events", content=batch, headers=NDJSON).raise_for_status()
        except httpx.TransportError:  # it was killed
            break
        answered += 1
    return answered


def test_two_servers_answer_the_same_while_one_is_killed_in_the_middle(schemas: Schemas, tmp_path: Path) -> None:
    url, batches = schemas.url("servers"), shuffled()
    first, second = (Server(tmp_path / name, "--store", url) for name in ("first", "second"))
    beside = threading.Thread(target=post_all, args=(second, batches, 1))
    beside.start()
    assert post_all(first, batches[:10], 2) == 10
    first.stop(signal.SIGKILL)
    first = Server(tmp_path / "first", "--store", url)
    assert post_all(first, batches, 3) == len(batches)
    beside.join()
    answers = [server.client.get("/api/v1/stats").json() for server in (first, second)]
    codes = [server.stop()[0] for server in (first, second)]
    assert answers[0] == answers[1] == expected(tmp_path / "one.db")
    assert codes == [0, 0]
    assert stats.verify(schemas.open("servers"))["differences"] == []


def until_answered(servers: dict[int, Server], batches: list[bytes], seed: int) -> None:
    """Post all batches, each to one of the servers, until it is answered with 200."""
    chance = random.Random(seed)
    for batch in chance.sample(batches, len(batches)):
        while True:
            try:
                answer = servers[chance.randrange(2)].client.post("/api/v1/events", content=batch, headers=NDJSON)
            except (httpx.TransportError, RuntimeError):  # killed, or its client was closed a moment ago
                continue
            if answer.status_code == 503:
                continue
            answer.raise_for_status()
            assert answer.json()["rejected"] == []
            break


@pytest.mark.soak
def test_a_hundred_thousand_attempts_by_eight_writers_through_two_servers(schemas: Schemas, tmp_path: Path) -> None:
    chance = random.Random(100_001)
    some = [
        made
        for n in range(100_000)
        for made in a_run(
            f"t{n}",
            chance.randrange(0, 1700),
            chance.lognormvariate(2, 1.5),
            chance.choice(["succeeded", "succeeded", "failed", "timed_out"]),
            job=f"j{n % 50}",
            queue=f"q{n % 5}",
            worker=f"w{n % 200}",
            run=f"r{n}",
        )
    ]
    mixed = chance.sample(some, len(some))
    step, size = 2000, 2600  # a batch shares 600 facts with the next one
    batches = [ndjson(wire_form(event) for event, _ in mixed[at : at + size]) for at in range(0, len(mixed), step)]
    url = schemas.url("hundred")
    servers = {n: Server(tmp_path / str(n), "--store", url) for n in range(2)}
    with ThreadPoolExecutor(8) as pool:
        # Each batch is sent by two of the eight writers.
        writers = [pool.submit(until_answered, servers, batches[n % 4 :: 4], n) for n in range(8)]
        for _ in range(5):
            wait_for_facts(schemas, chance.randrange(10_000, 40_000))
            servers[0].stop(signal.SIGKILL)
            servers[0] = Server(tmp_path / "0", "--store", url)
        for writer in writers:
            writer.result()
    answers = [server.client.get("/api/v1/stats").json() for server in servers.values()]
    assert [server.stop()[0] for server in servers.values()] == [0, 0]
    one = SqliteStore(tmp_path / "one.db")
    deliver(one, some)
    assert answers[0] == answers[1] == stats.stats(one, EVERYTHING)
    assert answers[0]["submitted"] == 100_000
    one.close()
    assert stats.verify(schemas.open("hundred"))["differences"] == []


def wait_for_facts(schemas: Schemas, more: int) -> None:
    """Wait until so many more facts are in the log, or as many as there will be."""
    with psycopg.connect(schemas.url("hundred"), autocommit=True) as log:

        def stored() -> int:
            found = log.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
            assert found is not None
            return int(found[0])

        wanted = min(stored() + more, 290_000)
        until = time.monotonic() + 300
        while stored() < wanted:
            assert time.monotonic() < until, "the servers took nothing in for a long time"
            time.sleep(0.05)


def test_a_follower_goes_on_at_another_server_and_hears_of_every_writer(schemas: Schemas, tmp_path: Path) -> None:
    """What tells that somebody wrote is a hint: here it is cut off in the middle, and nothing is missed."""
    url = schemas.url("followed")
    first, second = (Server(tmp_path / name, "--store", url) for name in ("first", "second"))
    bodies = [ndjson([wire_form(event) for event, _ in FACTS[start : start + 30]]) for start in range(0, 300, 30)]
    state: dict[str, list[str]] = {}

    def posted(body: bytes, follower: Follower) -> str:
        """Post to the server that is not followed; give the cursor once everything of it was told."""
        second.client.post("/api/v1/events", content=body, headers=NDJSON).raise_for_status()
        expected = {json.loads(line)["task"] for line in body.splitlines()}
        told: set[str] = set()
        while not told >= expected:
            said = follower.next()
            state.update(runs_of(said))
            told |= runs_of(said).keys()
        return str(said["cursor"])

    with Follower(first) as follower:
        follower.follow("a", "runs")
        for body in bodies[:3]:
            posted(body, follower)
        run(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query = 'LISTEN taskscope_change' AND datname = current_database()",
        )
        for body in bodies[3:5]:
            cursor = posted(body, follower)
    for body in bodies[5:]:
        first.client.post("/api/v1/events", content=body, headers=NDJSON).raise_for_status()
    with Follower(second) as follower:
        said = follower.follow("a", "runs", cursor=cursor)
        assert said["type"] == "change"
        state.update(runs_of(said))
    codes = [server.stop()[0] for server in (first, second)]
    assert codes == [0, 0]
    shown = stats.runs(schemas.open("followed"), EVERYTHING, limit=1000)["items"]
    assert state == {item["task"]: [item["state"]] for item in shown}
