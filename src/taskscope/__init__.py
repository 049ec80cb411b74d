"""Taskscope watches background work: tasks, their workers, their schedules and the rows that they leave behind.

This is what an application uses:

    import taskscope

    scope = taskscope.connect(service="shop")

    @scope.task(job="make_invoice", queue="billing", timeout=600)
    def make_invoice(order_id): ...

    with scope.run("transcribe", queue="audio") as run:
        run.progress(0.4)

Recording appends to a file and does nothing else: it neither waits nor raises, and needs no server to be there.
Reading answers what the command line and a server answer, and is loaded by the first question:

    taskscope.statistics("make_invoice")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from taskscope.sdk.outcome import Retry, TimedOut
from taskscope.sdk.run import Run, current
from taskscope.sdk.scope import Scope, connect

if TYPE_CHECKING:
    from taskscope.reading import Reader, all_statistics, reader, statistics

__version__ = "0.1.0"

__all__ = [  # noqa: RUF022 - grouped by what they are for
    # Recording
    "connect",
    "Scope",
    "Run",
    "current",
    # Reading
    "statistics",
    "all_statistics",
    "reader",
    "Reader",
    # Raised by a task to say how its run ended
    "Retry",
    "TimedOut",
    # About
    "__version__",
]


def __getattr__(name: str) -> Any:
    # What reads needs stores and NumPy; an application that records must not wait for them, nor carry them.
    if name in _READING:
        return getattr(import_module("taskscope.reading"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_READING = {"statistics", "all_statistics", "reader", "Reader"}
