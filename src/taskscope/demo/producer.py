"""The producer: puts orders into the queue until it is stopped, never more than the workers can soon do.

Started as `python -m taskscope.demo.producer --home DIR`.
"""

import argparse
import os
import signal
import threading
import time
from pathlib import Path

import taskscope
from taskscope.demo.account import Account, Submitted
from taskscope.demo.plan import orders
from taskscope.demo.stage import SERVICE, Stage
from taskscope.demo.tray import Tray

_MOST_WAITING = 12
_PAUSE_S = 0.01


def produce(home: Path, stop: threading.Event) -> None:
    """Put orders into the queue, until `stop` is set or whoever started this is gone.

    Parameters
    ----------
    home
        The home folder.
    stop
        Ends it.
    """
    stage = Stage(home)
    tray, account = Tray(stage.tray), Account(stage.account, "producer")
    scope = taskscope.connect(SERVICE, home=home)
    parent = os.getppid()
    for order in orders():
        while not stop.wait(_PAUSE_S) and tray.waiting() >= _MOST_WAITING and os.getppid() == parent:
            pass
        if stop.is_set() or os.getppid() != parent:
            break
        low_ns = time.time_ns()
        scope.submitted(order.job, task_id=order.task, queue=order.queue)
        order.due_ns = time.time_ns()
        account.append(Submitted(order.task, order.attempt, low_ns, order.due_ns))
        tray.put(order)
    scope.close()


def main() -> None:
    """Read the command line and produce."""
    parser = argparse.ArgumentParser(prog="taskscope.demo.producer")
    parser.add_argument("--home", type=Path, required=True)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    produce(parser.parse_args().home, stop)


if __name__ == "__main__":
    main()
