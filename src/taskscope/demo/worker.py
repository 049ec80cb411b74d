"""A worker: takes orders from the queue and does them, and keeps its part of the account.

Started as `python -m taskscope.demo.worker --home DIR --name worker-1`.
"""

import argparse
import itertools
import os
import signal
import time
from pathlib import Path

import taskscope
from taskscope.demo.account import Account, Begun, Ended, Left, Submitted
from taskscope.demo.jobs import TooEarly, perform
from taskscope.demo.stage import HEARTBEAT_S, QUEUES, SERVICE, TTL_S, Stage
from taskscope.demo.tray import Order, Tray

_LOOK_AGAIN_S = 0.01


class Worker:
    """One worker.

    Parameters
    ----------
    home
        The home folder.
    name
        Its name; a worker that is started again keeps it.
    """

    def __init__(self, home: Path, name: str) -> None:
        stage = Stage(home)
        self._name = name
        self._tray = Tray(stage.tray)
        self._account = Account(stage.account, name)
        self._runs = itertools.count(1)
        self._stopping = False
        self._scope = taskscope.connect(
            SERVICE, home=home, worker=name, heartbeat_s=HEARTBEAT_S, ttl_s=TTL_S, queues=QUEUES
        )

    def stop(self, *_: object) -> None:
        """Go after the present task."""
        self._stopping = True

    def work(self) -> None:
        """Work until the queue is closed and empty, or `stop`, or until whoever started this is gone."""
        parent = os.getppid()
        self._scope.present()
        while not self._stopping and os.getppid() == parent:
            closed = self._tray.closed
            order = self._tray.take(self._name)
            if order is not None:
                self._do(order)
            elif closed and not self._tray.waiting():
                break
            else:
                time.sleep(_LOOK_AGAIN_S)
        self._scope.close()

    def _do(self, order: Order) -> None:
        token = f"{self._name}/{os.getpid()}/{next(self._runs)}"
        # Each clock is read on both sides of the places where Taskscope reads its own.
        started_ns, outside_ns = time.time_ns(), time.perf_counter_ns()
        again: TooEarly | None = None
        try:
            with self._scope.run(
                order.job, task_id=order.task, queue=order.queue, attempt=order.attempt, timeout=order.limit_s
            ) as run:
                inside_ns = time.perf_counter_ns()
                self._begin(order, token, started_ns)
                outcome = "failed"
                try:
                    perform(order)
                    run.output()
                    outcome = "succeeded"
                except TooEarly:
                    outcome = "retried"
                    raise
                except taskscope.TimedOut:
                    outcome = "timed out"
                    raise
                finally:
                    self._account.append(Ended(token, outcome, time.perf_counter_ns() - inside_ns))
        except TooEarly as retry:
            again = retry
        except Exception:  # noqa: BLE001, S110 - the run has recorded it, and a worker outlives its tasks
            pass
        self._account.append(Left(token, time.perf_counter_ns() - outside_ns))
        if again is not None:
            self._order_again(order, again)
        self._tray.done(self._name)

    def _begin(self, order: Order, token: str, started_ns: int) -> None:
        self._account.append(
            Begun(
                token,
                order.task,
                order.attempt,
                order.job,
                order.queue,
                self._name,
                order.limit_s,
                started_ns,
                time.time_ns(),
            )
        )

    def _order_again(self, order: Order, retry: TooEarly) -> None:
        order.attempt, order.due_ns = order.attempt + 1, retry.due_ms * 1_000_000
        self._scope.submitted(order.job, task_id=order.task, queue=order.queue, attempt=order.attempt, eta=retry.eta)
        self._account.append(Submitted(order.task, order.attempt, order.due_ns, order.due_ns))
        self._tray.put(order)


def main() -> None:
    """Read the command line and work."""
    parser = argparse.ArgumentParser(prog="taskscope.demo.worker")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--name", required=True)
    given = parser.parse_args()
    worker = Worker(given.home, given.name)
    signal.signal(signal.SIGTERM, worker.stop)
    worker.work()


if __name__ == "__main__":
    main()
