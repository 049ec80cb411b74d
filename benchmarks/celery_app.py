"""What is measured of Celery: an application with one empty task, recorded in one of the ways of `celery_tasks`.

Imported by the worker (`celery -A benchmarks.celery_app worker`) and run as the process that sends.
"""

from __future__ import annotations

import json
import os
import sys
import time

from celery import Celery

WAY = os.environ["BENCH_WAY"]
PREFIX = os.environ["BENCH_PREFIX"]
DONE = os.open(os.environ["BENCH_DONE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

app = Celery("bench", broker=os.environ["BENCH_BROKER"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={"global_keyprefix": PREFIX},
    task_default_queue=f"{PREFIX}.{WAY}",
    task_ignore_result=True,
    task_send_sent_event=WAY == "events",
    event_exchange=f"{PREFIX}.{WAY}.ev",
    worker_prefetch_multiplier=64,
)
if WAY == "taskscope":
    from taskscope.integrations.celery import install

    install(app, service="bench")


@app.task(name="bench.nothing")
def nothing(number: int) -> None:  # noqa: ARG001 - a task has arguments
    """Say by one byte that it was done."""
    os.write(DONE, b".")


def main() -> None:
    """Send as many tasks as each line says, and answer with what that took."""
    nothing.delay(0)
    print("ready", flush=True)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        for number in range(int(line)):
            nothing.delay(number)
        print(json.dumps({"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}), flush=True)


if __name__ == "__main__":
    main()
