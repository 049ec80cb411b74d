import threading
import time
import uuid

import pytest

from taskscope.sdk.ids import Uuid7Source, uuid7
from tests.sdk.processes import Start


def test_an_id_is_a_version_7_uuid_of_now() -> None:
    before_ms = time.time_ns() // 1_000_000
    found = uuid.UUID(Uuid7Source().next())
    after_ms = time.time_ns() // 1_000_000
    assert str(found) == str(found).lower()
    assert found.version == 7
    assert found.variant == uuid.RFC_4122
    # Of a new source: another test may have moved the shared one ahead. The first 48 bits are the clock's.
    assert before_ms <= found.int >> 80 <= after_ms


def test_ids_ascend_also_within_a_millisecond() -> None:
    ids = [uuid7() for _ in range(50_000)]
    assert ids == sorted(set(ids))


def test_ids_ascend_while_the_clock_stands_still_or_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Uuid7Source()
    clock_ns = iter([5_000_000_000] * 500 + [4_000_000_000] * 500 + [6_000_000_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(clock_ns))
    ids = [source.next() for _ in range(1001)]
    assert ids == sorted(set(ids))
    assert all(uuid.UUID(one).version == 7 for one in ids)


def test_threads_never_share_an_id() -> None:
    lists: list[list[str]] = [[] for _ in range(8)]

    def draw(into: list[str]) -> None:
        into += [uuid7() for _ in range(5_000)]

    threads = [threading.Thread(target=draw, args=(into,)) for into in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for ids in lists for one in ids}) == 40_000


def test_forked_children_never_share_an_id_with_each_other_or_their_parent(child: Start) -> None:
    script = """
import os
from taskscope.sdk.ids import uuid7
uuid7()
for _ in range(4):
    if os.fork() == 0:
        os.write(1, "".join(uuid7() + chr(10) for _ in range(50)).encode())
        os._exit(0)
for _ in range(4):
    os.wait()
os.write(1, "".join(uuid7() + chr(10) for _ in range(50)).encode())
"""
    ids = child(script).finish().split()
    assert len(set(ids)) == len(ids) == 250
