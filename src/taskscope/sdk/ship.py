"""Shipping: what is in the spool of a home goes to a server, in batches, until the server has all of it.

1. Of the processes of a home one ships; it holds `ship.lock`. The others look now and then whether it is still there.
   Who takes records out of the spool holds the drain lock besides, as every drain does.
2. Once a second it has the spool on the disk, and sends what is new. The records of a batch leave the spool when the
   server has answered for each of them. A crash in between sends them again, and the server recognises them.
3. A server that is away is asked again after a while: backoff with jitter, and never earlier than it asks for. All
   stays in the spool as long. The log says once what is wrong, and once that it is over.
4. At the end of the process what is left is sent once more, unless the server was away when it was last asked.
"""

import logging
import random
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from taskscope.errors import AccessDeniedError, ServerAwayError
from taskscope.sdk import halving, rejected
from taskscope.sdk.address import Address
from taskscope.sdk.answers import Refusal, judge
from taskscope.sdk.backoff import delay_s
from taskscope.sdk.locks import FileLock
from taskscope.sdk.reading import CHUNK_RECORDS
from taskscope.sdk.segments import Drained, drain
from taskscope.sdk.syncing import sync
from taskscope.sdk.transport import Connection

EVERY_S = 1.0
CHUNK_BYTES = 4 << 20
SHIP_LOCK = "ship.lock"
_BUSY_S = 0.02
_log = logging.getLogger("taskscope")


class Shipper:
    """Ships the spool of one home; for one thread.

    Parameters
    ----------
    home
        The home folder.
    address
        The server.
    every_s
        Seconds between two looks into the spool.
    chunk_records
        Records in one batch, at most.
    """

    def __init__(
        self, home: Path, address: Address, *, every_s: float = EVERY_S, chunk_records: int = CHUNK_RECORDS
    ) -> None:
        self._home = home
        self._address = address
        self._every_s = every_s
        self._chunk_records = chunk_records
        self._connection = Connection(address)
        self._lock = FileLock(home / SHIP_LOCK)
        self._chance = random.Random()  # noqa: S311 - jitter; seeded anew in each process
        self._failures = 0
        self._not_before_s = 0.0
        self._denied = False
        self._unsynced = False
        self._told = ""

    @property
    def failing(self) -> bool:
        """Whether the last attempt found no server."""
        return self._failures > 0

    def run(self, ending: threading.Event) -> None:
        """Ship until `ending`, and once more then; raises nothing."""
        if self._address.exposes_token:
            _log.warning("TASKSCOPE_TOKEN travels unencrypted to %s: use https", self._address)
        while not ending.is_set():
            self.look()
            ending.wait(self._every_s)
        if not self.failing:
            self._attempt(wait=True)
        self._connection.close()
        self._lock.free()

    def look(self) -> None:
        """Do what is due: nothing while another process ships, or before a server that is away is asked again."""
        due = time.monotonic() >= self._not_before_s
        if self._denied and not due:
            return  # another process may have a better token
        try:
            if not self._lock.take():
                return
            self._sync()
        except OSError as error:
            # Where there is no home, nothing was recorded yet, or it was taken away.
            if not isinstance(error, FileNotFoundError):
                self._failed(type(error).__name__, f"{self._home / SHIP_LOCK} can't be locked: {error}", 0.0)
            return
        if due:
            self._attempt()

    def _sync(self) -> None:
        try:
            sync(self._home)
            self._unsynced = False
        except Exception as error:  # noqa: BLE001 - whatever it is, what can be shipped is shipped
            if not self._unsynced:
                _log.warning("the spool of %s is not safe from a cut of the power: %s", self._home, error)
            self._unsynced = True

    def _attempt(self, *, wait: bool = False) -> None:
        try:
            while self._drain().busy and wait:
                time.sleep(_BUSY_S)
        except ServerAwayError as error:
            self._failed(error.kind, str(error), error.retry_after_s)
            self._denied = isinstance(error, AccessDeniedError)
            if self._denied:
                self._lock.free()
        except Exception as error:  # noqa: BLE001 - a daemon thread of an application: nothing may end it
            self._failed(type(error).__name__, f"shipping failed: {error}", 0.0)

    def _drain(self) -> Drained:
        return drain(self._home, self._deliver, chunk_records=self._chunk_records, chunk_bytes=CHUNK_BYTES)

    def _deliver(self, records: list[bytes]) -> None:
        # Kept only when all the others are done: an attempt that fails half way would keep them again each time.
        rejected.put_aside(self._home, halving.deliver(records, self._send))
        if self._told:
            _log.warning("%s takes facts again", self._address)
        self._failures, self._not_before_s, self._told, self._denied = 0, 0.0, "", False

    def _send(self, records: list[bytes]) -> list[Refusal]:
        answer = self._connection.post(b"\n".join((*records, b"")))
        return judge(answer, len(records), datetime.now(UTC))

    def _failed(self, kind: str, message: str, retry_after_s: float) -> None:
        self._failures += 1
        self._not_before_s = time.monotonic() + delay_s(self._failures, self._chance.random(), retry_after_s)
        # Once for each reason: an hour of the same is one line.
        if kind != self._told:
            _log.warning("no facts reach %s, they stay in the spool and are sent later: %s", self._address, message)
        self._told = kind
