"""Shipping as applications do it: processes of their own, with TASKSCOPE_URL set."""

import os
import signal
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import msgspec
import pytest

from taskscope.sdk.locks import FileLock
from tests.sdk.processes import Reader, Start, Wait
from tests.sdk.servers import Behaviour, Reply, Server, closed_port, running, take

WORK = """
import taskscope
scope = taskscope.connect("shop", worker="w")
with scope.run("job", task_id="t"):
    pass
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with running() as server:
        monkeypatch.setenv("TASKSCOPE_URL", server.url)
        yield server


def types(server: Server) -> list[str]:
    return [msgspec.json.decode(line)["type"] for line in server.taken]


def test_an_application_that_ends_has_shipped_all_of_it(child: Start, server: Server, reader: Reader) -> None:
    child(WORK).finish()
    # Heartbeats have a segment of their own, so not the order in which they came.
    assert sorted(types(server)) == [
        "task.started",
        "task.succeeded",
        "worker.heartbeat",
        "worker.offline",
        "worker.online",
    ]
    assert reader.read() == []
    assert list((reader.home / "spool").glob("*.seg*")) == []


def test_an_application_that_runs_ships_what_is_new(child: Start, server: Server, eventually: Wait) -> None:
    one = child(WORK + "input()")
    eventually(lambda: "task.succeeded" in types(server))
    assert "worker.offline" not in types(server)
    one.say("")
    one.finish()
    assert types(server)[-1] == "worker.offline"


def test_a_forked_child_ships_by_itself_and_nothing_is_lost(child: Start, server: Server) -> None:
    script = """
import os, sys, taskscope
scope = taskscope.connect("shop")
def work(name):
    with scope.run(name):
        pass
work("parent")
for _ in range(3):
    if os.fork() == 0:
        work("child")
        sys.exit(0)
for _ in range(3):
    os.wait()
"""
    child(script).finish()
    jobs = sorted(msgspec.json.decode(line).get("job", "") for line in server.taken)
    assert [job for job in jobs if job] == ["child"] * 6 + ["parent"] * 2
    assert len({msgspec.json.decode(line)["id"] for line in server.taken}) == len(server.taken)


def test_threads_that_record_at_once_start_one_shipper(child: Start, server: Server) -> None:
    script = """
import taskscope, threading
scope = taskscope.connect("shop")
threads = [threading.Thread(target=scope.submitted, args=("job",)) for _ in range(20)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print([thread.name for thread in threading.enumerate()].count("taskscope-shipping"))
"""
    assert child(script).finish().strip() == "1"
    assert types(server) == ["task.submitted"] * 20


def test_with_no_time_at_the_end_the_facts_stay_in_the_spool(
    child: Start, server: Server, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behave = server.hang
    for seconds in ("0", "0.1"):
        monkeypatch.setenv("TASKSCOPE_EXIT_FLUSH_S", seconds)
        child(WORK).finish()  # and does not hang
    assert [fact["type"] for fact in reader.tasks()] == ["task.started", "task.succeeded"] * 2


def test_a_server_that_was_down_is_not_asked_again_at_the_end(
    child: Start, server: Server, reader: Reader, eventually: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKSCOPE_EXIT_FLUSH_S", "15")
    server.behave = lambda _: Reply(503, b"", {"Retry-After": "300"})
    one = child(WORK + "input()")
    eventually(lambda: server.requests)
    one.say("")
    one.finish()
    assert len(server.requests) == 1
    assert len(reader.tasks()) == 2


@pytest.mark.parametrize("url", ["no url", "http://me:hunter2@host"])
def test_a_bad_url_is_said_once_and_everything_stays(
    child: Start, reader: Reader, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TASKSCOPE_URL", url)
    script = "import sys; sys.stderr = open(sys.argv[2], 'w', buffering=1)" + WORK + WORK
    child(script, str(tmp_path / "said")).finish()
    text = (tmp_path / "said").read_text()
    assert text.count("TASKSCOPE_URL") == 1
    assert "hunter2" not in text
    assert len(reader.tasks()) == 4


def test_nothing_of_http_is_loaded_without_a_url(child: Start) -> None:
    script = WORK + "import sys; print({'http.client', 'ssl', 'socket', 'email'} & set(sys.modules))"
    assert child(script).finish().strip() == "set()"


def test_without_a_usable_home_nothing_is_shipped_and_nothing_raised(child: Start, server: Server) -> None:
    script = """
import taskscope
scope = taskscope.connect(home="/dev/null/home")
with scope.run("job"):
    pass
print(scope.dropped)
"""
    assert int(child(script).finish()) == 4
    assert server.requests == []


def test_a_server_that_is_away_drops_nothing_and_the_log_says_so_once(
    child: Start, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKSCOPE_URL", f"http://127.0.0.1:{closed_port()}")
    script = """
import sys, taskscope
sys.stderr = open(sys.argv[2], "w", buffering=1)
scope = taskscope.connect()
for _ in range(3000):
    scope.submitted("job")
print(scope.dropped)
"""
    assert child(script, str(tmp_path / "said")).finish().strip() == "0"
    assert len(reader.tasks()) == 3000
    assert (tmp_path / "said").read_text().count("no facts reach") == 1


def test_a_child_that_outlives_its_parent_does_not_keep_its_locks(child: Start, home: Path, eventually: Wait) -> None:
    home.mkdir()
    script = """
import os, sys, time
from pathlib import Path
from taskscope.sdk.locks import FileLock
lock = FileLock(Path(sys.argv[1]) / "ship.lock")
assert lock.take()
pid = os.fork()
if pid == 0:
    print(os.getpid(), flush=True)
    time.sleep(60)
    os._exit(0)
time.sleep(60)
"""
    parent = child(script)
    forked = int(parent.line())
    try:
        lock = FileLock(home / "ship.lock")
        assert not lock.take()
        parent.process.kill()
        eventually(lock.take)
        os.kill(forked, 0)  # it is there still
        lock.free()
    finally:
        os.kill(forked, signal.SIGKILL)


@pytest.mark.parametrize("answer", [take, lambda _: Reply(503, b"", {"Retry-After": formatdate()}), lambda _: None])
def test_the_thread_imports_nothing_so_that_a_fork_finds_no_import_half_done(
    child: Start, server: Server, monkeypatch: pytest.MonkeyPatch, answer: Behaviour
) -> None:
    monkeypatch.setenv("TASKSCOPE_URL", f"http://localhost:{server.port}")
    server.behave = answer
    script = """
import sys, taskscope
from taskscope.sdk import shipping
scope = taskscope.connect("shop")
before = set(sys.modules)
scope.submitted("job")
shipping.finish()
print(sorted(set(sys.modules) - before))
"""
    assert child(script).finish().strip() == "[]"
    assert len(server.requests) >= 1
