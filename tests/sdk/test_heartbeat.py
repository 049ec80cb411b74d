import os
import threading
from collections import Counter
from pathlib import Path

import taskscope
from tests.sdk.processes import Reader, Start, Wait


def test_the_first_run_says_once_that_the_worker_is_there(home: Path, reader: Reader) -> None:
    scope = taskscope.connect("shop", home=home, worker="w", queues=["audio"], role="scheduler", ttl_s=45)
    for _ in range(3):
        with scope.run("job"):
            pass
    online, heartbeat = reader.workers()
    assert online.items() >= {"type": "worker.online", "service": "shop", "worker": "w", "boot": scope.boot}.items()
    assert online["data"] == {
        "queues": ["audio"],
        "role": "scheduler",
        "host": os.uname().nodename,
        "pid": os.getpid(),
        "ttl_ms": 45_000,
    }
    assert (heartbeat["type"], heartbeat["data"]) == ("worker.heartbeat", {"ttl_ms": 45_000})
    assert [fact["type"] for fact in reader.facts][:3] == ["worker.online", "worker.heartbeat", "task.started"]
    scope.close()
    assert reader.workers()[-1]["type"] == "worker.offline"


def test_a_process_that_only_submits_is_no_worker(scope: taskscope.Scope, reader: Reader) -> None:
    scope.submitted("job")
    scope.close()
    (fact,) = reader.read()
    assert fact["type"] == "task.submitted"
    assert fact.keys().isdisjoint({"worker", "boot", "run"})


def test_an_idle_worker_can_say_that_it_is_there(scope: taskscope.Scope, reader: Reader) -> None:
    scope.present(concurrency=4)
    scope.present()
    scope.present(concurrency=8)
    facts = reader.workers()
    assert [fact["type"] for fact in facts] == ["worker.online", "worker.heartbeat", "worker.heartbeat"]
    assert [fact["data"].get("concurrency") for fact in facts] == [4, None, 8]


def test_heartbeats_go_on_until_the_scope_is_closed(home: Path, reader: Reader, eventually: Wait) -> None:
    scope = taskscope.connect(home=home, heartbeat_s=0.005)
    scope.present()
    thread = next(one for one in threading.enumerate() if one.name == "taskscope-heartbeat")
    eventually(lambda: len(reader.workers()) > 5)
    assert thread.daemon
    scope.close()
    eventually(lambda: scope._presence.begun is False)
    facts = reader.workers()
    assert {fact["boot"] for fact in facts[:-1]} == {facts[0]["boot"]}


def test_a_closed_scope_that_is_used_again_is_another_boot(scope: taskscope.Scope, reader: Reader) -> None:
    with scope.run("job"):
        scope.close()
    with scope.run("job"):
        pass
    started, ended, again, _ = reader.tasks()
    assert started["boot"] == ended["boot"] != again["boot"]
    assert [fact["type"] for fact in reader.workers()].count("worker.online") == 2


def test_a_worker_that_exits_says_so(child: Start, reader: Reader) -> None:
    child("import taskscope\nwith taskscope.connect().run('job'): pass").finish()
    assert [fact["type"] for fact in reader.workers()] == ["worker.online", "worker.heartbeat", "worker.offline"]
    assert reader.last.removed == 2  # heartbeats have a segment of their own


def test_forked_children_are_workers_of_their_own(child: Start, reader: Reader) -> None:
    script = """
import os, taskscope
scope = taskscope.connect(heartbeat_s=0.001)
def work():
    with scope.run("job"):
        pass
work()
for _ in range(2):
    if os.fork() == 0:
        work()
        os._exit(0)
for _ in range(2):
    os.wait()
work()
"""
    child(script).finish()
    online = [fact for fact in reader.workers() if fact["type"] == "worker.online"]
    assert len({fact["boot"] for fact in online}) == len({fact["worker"] for fact in online}) == len(online) == 3
    assert all(fact["worker"] == f"{os.uname().nodename}-{fact['data']['pid']}" for fact in online)
    runs = Counter(fact["boot"] for fact in reader.tasks() if fact["type"] == "task.started")
    assert sorted(runs.values()) == [1, 1, 2]
    assert runs.keys() == {fact["boot"] for fact in online}
