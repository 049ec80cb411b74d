"""What the SDK records is accepted by the rules that ingest applies, whatever the application hands over."""

from pathlib import Path

import pytest

import taskscope
from taskscope.core.events import Event
from taskscope.core.normalise import decode_event
from taskscope.sdk.segments import drain


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "error",
    [
        ValueError("\0\ud800"),
        ValueError("\x01" * 90_000),
        ValueError("中" * 90_000),
        taskscope.Retry("busy", eta=1e9),
        taskscope.TimedOut(),
        KeyboardInterrupt(),
        SystemExit(2),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_fact_of_a_run_is_accepted(home: Path, error: BaseException) -> None:
    scope = taskscope.connect("shop", home=home, queues=["audio"], role="scheduler")
    scope.present(concurrency=3)
    scope.submitted("job", task_id="t\0", queue="audio", eta=5.5, idempotency_key="k", args=nested(30))

    def work() -> None:
        with scope.run("j" * 300, queue="", timeout=3, args=nested(31)) as run:
            run.progress(0.5)
            run.output(2)
            with scope.run("inner", args={"password": 1}):
                run.progress(0.6)
            raise error

    with pytest.raises(type(error)):
        work()
    scope.close()
    facts: list[Event] = []
    drain(home, lambda records: facts.extend(decode_event(record)[0] for record in records))
    accepted = [fact.type for fact in sorted(facts, key=lambda fact: fact.id)]
    assert accepted[:4] == ["worker.online", "worker.heartbeat", "task.submitted", "task.started"]
    assert accepted[4:6] == ["task.progress", "task.output"]
    assert accepted[6:8] == ["task.started", "task.succeeded"]
    assert accepted[9:] == ["worker.offline"]
    assert scope.dropped == 0
