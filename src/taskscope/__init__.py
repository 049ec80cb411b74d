"""Taskscope watches background work: tasks, their workers, their schedules and the rows that they leave behind.

This is what an application uses:

    import taskscope

    scope = taskscope.connect(service="shop")

    @scope.task(job="make_invoice", queue="billing", timeout=600)
    def make_invoice(order_id): ...

    with scope.run("transcribe", queue="audio") as run:
        run.progress(0.4)

Recording appends to a file and does nothing else: it neither waits nor raises, and needs no server to be there.
"""

from taskscope.sdk.outcome import Retry, TimedOut
from taskscope.sdk.run import Run, current
from taskscope.sdk.scope import Scope, connect

__version__ = "0.1.0"

__all__ = [  # noqa: RUF022 - grouped by what they are for
    # Recording
    "connect",
    "Scope",
    "Run",
    "current",
    # Raised by a task to say how its run ended
    "Retry",
    "TimedOut",
    # About
    "__version__",
]
