"""How a run ended: what is recorded for each way of leaving it.

1. No exception: `task.succeeded`.
2. `Retry`: `task.retrying`, with the time of the next attempt and the error that caused it.
3. `TimedOut`: `task.timed_out`. The built-in TimeoutError is not one: it mostly is a slow network, thus a failure.
4. A cancelled asyncio task, a closed generator, Ctrl-C: `task.cancelled`. Somebody stopped it, the task did not fail.
5. SystemExit: with a code that says failure, `task.failed`, because that is how a script fails. Without one it is
   `task.cancelled`: handlers of SIGTERM end a worker by `sys.exit()` in the middle of a task, and to call that a
   success would hide unfinished work.
6. Any other exception: `task.failed`.
"""

import sys
from datetime import datetime
from typing import Any

from taskscope.sdk.fact import instant, text
from taskscope.sdk.failure import describe, start_of
from taskscope.sdk.redaction import Redactor


class Retry(Exception):  # noqa: N818 - it is an instruction, not an error
    """Raised by a task to say that this attempt ends here and another one will follow.

    Parameters
    ----------
    reason
        Why, for the reader.
    eta
        When the next attempt is due: a datetime (local time if it has no zone) or epoch seconds; None for at once.
    """

    def __init__(self, reason: str = "", *, eta: datetime | float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.eta = eta


class TimedOut(Exception):  # noqa: N818 - the name of the outcome
    """Raised by a task, or by whatever enforces its limit, to say that it ran out of time."""


def ending(error: BaseException | None, redactor: Redactor) -> tuple[str, dict[str, Any] | None]:
    """Give the event type and the data of the fact that ends a run.

    Parameters
    ----------
    error
        The exception that left the run, None for a clean end.
    redactor
        Masks the secrets in what the exception says.
    """
    if error is None:
        return "task.succeeded", None
    if isinstance(error, Retry):
        return "task.retrying", _retrying(error, redactor)
    if isinstance(error, TimedOut):
        return "task.timed_out", {"error": describe(error, redactor)}
    if _stopped(error):
        return "task.cancelled", {"reason": type(error).__name__}
    return "task.failed", {"error": describe(error, redactor)}


def _retrying(retry: Retry, redactor: Redactor) -> dict[str, Any]:
    # `raise Retry() from error` and `except ...: raise Retry()` name the true failure, which is what groups by cause.
    data: dict[str, Any] = {"error": describe(retry.__cause__ or retry.__context__ or retry, redactor)}
    eta = instant(retry.eta)
    if eta is not None:
        data["eta"] = eta
    if retry.reason:
        data["reason"] = start_of(text(retry.reason), redactor)
    return data


def _stopped(error: BaseException) -> bool:
    if isinstance(error, SystemExit):
        return error.code is None or error.code == 0
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return True
    # Nobody can raise it without asyncio, and importing asyncio costs more than all of this package.
    asyncio = sys.modules.get("asyncio.exceptions")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)
