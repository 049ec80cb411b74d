"""Whether and how this process ships: from a thread, from its first fact on, where TASKSCOPE_URL names a server."""

import atexit
import importlib
import logging
import math
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from taskscope.errors import UsageError
from taskscope.sdk import forks

if TYPE_CHECKING:
    from taskscope.sdk.address import Address
    from taskscope.sdk.ship import Shipper

_URL_VARIABLE = "TASKSCOPE_URL"
FLUSH_VARIABLE = "TASKSCOPE_EXIT_FLUSH_S"
FLUSH_S = 2.0
_log = logging.getLogger("taskscope")


class Shipping:
    """The thread that ships one home, and its end."""

    def __init__(self) -> None:
        self._ending = threading.Event()
        self._done = threading.Event()
        self._shipper: Shipper | None = None

    def start(self, home: Path, address: "Address | None") -> None:
        """Start the thread; without an address it goes to the one of the environment."""
        try:
            self._shipper = _shipper(home, address)
            thread = threading.Thread(target=self._run, args=(self._shipper,), name="taskscope-shipping", daemon=True)
            thread.start()
        except Exception as error:  # noqa: BLE001 - an address that is none, no threads left, the interpreter goes down
            _log.warning("taskscope ships nothing, all facts stay in the spool of %s: %s", home, error)
            self._done.set()

    def finish(self, deadline_s: float) -> None:
        """Have the rest sent, and wait for it until a moment of the monotonic clock; not for a server that is away."""
        self._ending.set()
        if self._shipper is None or not self._shipper.failing:
            self._done.wait(max(0.0, deadline_s - time.monotonic()))

    def _run(self, shipper: "Shipper") -> None:
        try:
            shipper.run(self._ending)
        except Exception:  # noqa: BLE001 - nothing may come up in the application, only in its log
            _log.exception("taskscope ships nothing any more, all facts stay in the spool")
        finally:
            self._done.set()


def _shipper(home: Path, address: "Address | None") -> "Shipper":
    # Not at the top: who ships nothing loads no HTTP client. And not in the thread: in a child that is forked while a
    # thread imports, that module can never be imported, and an application that tried would hang.
    from taskscope.sdk.address import read_address  # noqa: PLC0415
    from taskscope.sdk.ship import Shipper  # noqa: PLC0415

    address = address or read_address(os.environ)
    if address is None:
        raise UsageError(f"{_URL_VARIABLE} is not set")
    return Shipper(home, address)


class _Process:
    """What this process ships, by home. A forked child begins anew: the threads of its parent did not come along."""

    def __init__(self) -> None:
        self.after_fork()
        forks.register(self)

    def after_fork(self) -> None:
        self.homes: dict[Path, Shipping] = {}


_process = _Process()


def ensure(home: Path) -> None:
    """Ship a home from now on, if TASKSCOPE_URL names a server. Costs nothing from the second time on."""
    if home not in _process.homes and os.environ.get(_URL_VARIABLE):
        begin(home)


def prepare() -> None:
    """Load what shipping needs, if TASKSCOPE_URL names a server: at the connect, so that no fact waits for it."""
    if os.environ.get(_URL_VARIABLE):
        try:
            importlib.import_module("taskscope.sdk.ship")
        except Exception as error:  # noqa: BLE001 - nothing may come up in the application, only in its log
            _log.warning("taskscope can't ship: %s", error)


def begin(home: Path, address: "Address | None" = None) -> None:
    """Ship a home from now on.

    Parameters
    ----------
    home
        The home folder.
    address
        The server; the one of the environment when absent.
    """
    shipping = Shipping()
    if _process.homes.setdefault(home, shipping) is shipping:
        shipping.start(home, address)


def finish(limit_s: float | None = None) -> None:
    """Send what is left, of all homes, and stop shipping; done at exit too.

    Parameters
    ----------
    limit_s
        How long it may take, seconds; TASKSCOPE_EXIT_FLUSH_S when absent.
    """
    limit_s = _flush_s() if limit_s is None else limit_s
    begun, _process.homes = _process.homes, {}
    deadline_s = time.monotonic() + limit_s
    for shipping in begun.values() if limit_s > 0 else ():
        shipping.finish(deadline_s)


def _flush_s() -> float:
    given = os.environ.get(FLUSH_VARIABLE)
    try:
        seconds = float(given) if given else FLUSH_S
    except ValueError:
        seconds = math.nan
    if math.isfinite(seconds) and seconds >= 0:
        return seconds
    _log.warning("%s is %r; use a number of seconds, 0 for none", FLUSH_VARIABLE, given)
    return FLUSH_S


# What is registered first runs last: behind the end of the scopes, which record that their workers go. That is why
# this module is loaded by the one that writes the spool, and not when the first fact comes.
atexit.register(finish)
