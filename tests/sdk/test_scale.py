"""Many at once: 10,000 segments that dead processes left, and 64 processes that record while the spool is drained."""

import json
from pathlib import Path

from taskscope.sdk.segments import drain
from tests.sdk.processes import Reader, Start

LEFT_BEHIND = """
import json, resource, sys, time
from pathlib import Path
from taskscope.sdk.framing import frame
from taskscope.sdk.segments import drain
home = Path(sys.argv[1])
(home / "spool").mkdir(parents=True, mode=0o700)
for n in range(10_000):
    records = b"".join(frame(b'{"n": %d, "pad": "%s"}' % (n * 10 + k, b"x" * 500)) for k in range(10))
    (home / "spool" / f"{n}-{n:08}.seg").write_bytes(records)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
seen, sizes, before, begun = set(), [], peak(), time.perf_counter()
def deliver(records):
    sizes.append(len(records))
    seen.update(json.loads(record)["n"] for record in records)
done = drain(home, deliver)
took = time.perf_counter() - begun
print(json.dumps({
    "removed": done.removed, "records": done.records, "distinct": len(seen), "deliveries": len(sizes),
    "most": max(sizes), "peak_kib": peak() - before, "took_s": took,
}))
"""


def test_ten_thousand_segments_of_dead_processes_are_adopted_in_bounded_memory(child: Start, home: Path) -> None:
    found = json.loads(child(LEFT_BEHIND).finish())
    assert (found["removed"], found["records"], found["distinct"]) == (10_000, 100_000, 100_000)
    # 52 MB in all; a chunk of 5,000 records is 2.6 MB of them.
    assert found["most"] == 5_000
    assert found["deliveries"] == 20
    assert found["peak_kib"] < 32 << 10, found
    assert found["took_s"] < 20, found
    assert [path.name for path in (home / "spool").iterdir()] == ["drain.lock"]


CREW = """
import os, sys
import taskscope
scope = taskscope.connect("crew")
children = []
for n in range(64):
    if os.fork() == 0:
        for k in range(50):
            with scope.run("job", task_id=f"{n}-{k}") as run:
                run.progress(0.5)
        scope.close()
        assert scope.dropped == 0
        os._exit(0)
for _ in range(64):
    assert os.wait()[1] == 0
"""


def test_sixty_four_processes_record_into_a_spool_that_is_being_drained(
    child: Start, home: Path, reader: Reader
) -> None:
    crew = child(CREW)
    meanwhile = 0
    while crew.process.poll() is None:
        meanwhile += drain(home, reader._take).records
    crew.finish()
    facts = reader.read()
    assert meanwhile
    assert len(facts) == len({fact["id"] for fact in facts})
    per_type = {kind: {f["task"] for f in facts if f["type"] == kind} for kind in ("task.started", "task.succeeded")}
    expected = {f"{n}-{k}" for n in range(64) for k in range(50)}
    assert per_type == {"task.started": expected, "task.succeeded": expected}
    assert len([f for f in facts if f["type"] == "task.progress"]) == 64 * 50
    assert len({f["boot"] for f in reader.workers() if f["type"] == "worker.offline"}) == 64
    assert sorted(path.name for path in (home / "spool").iterdir()) == ["drain.lock"]
