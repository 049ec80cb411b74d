"""Recording: a fact gets its id, its time and its sender, and goes to the spool."""

import logging
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from taskscope.sdk import forks
from taskscope.sdk.fact import Fact, encode, name
from taskscope.sdk.ids import uuid7, uuid7_at
from taskscope.sdk.spool import writer_of

EXTRA = frozenset({"worker.heartbeat", "task.progress", "resource.sampled"})
"""The types of facts that are dropped first where there is no room for all."""

_log = logging.getLogger("taskscope")


class Sender(NamedTuple):
    """Who records: a name for statistics, and a UUID that no other start of a process shares."""

    worker: str
    boot: str


class Recorder:
    """Records the facts of one service, from one process, into one home.

    Parameters
    ----------
    service
        Which application.
    worker
        The worker's name; None for host and process id, which is another one in a forked child.
    home
        The home folder; None when there is none, and everything is dropped.
    crew
        Whether forked children are hands of this very worker: they keep its name and boot.

    Attributes
    ----------
    sender
        The present worker and boot.
    pid
        The process that this is in.
    present
        The worker and boot that heartbeats were recorded for, None in a process that is no worker.
    """

    def __init__(self, service: str, worker: str | None, home: Path | None, *, crew: bool = False) -> None:
        self.service = service
        self.crew = crew
        self._given_worker = worker
        self._writer = writer_of(home)
        self.pid = os.getpid()
        self.renew()
        forks.register(self)

    def renew(self) -> None:
        """Become another boot."""
        worker = self._given_worker or name(f"{os.uname().nodename}-{self.pid}")
        self.sender = Sender(worker, uuid7())
        self.present: Sender | None = None

    def after_fork(self) -> None:
        """Give the child a boot of its own, unless it is a hand of its parent."""
        self.pid = os.getpid()
        if not self.crew:
            self.renew()

    @property
    def dropped(self) -> int:
        """Facts that this process could not keep in this home."""
        return self._writer.dropped

    @property
    def drops(self) -> Mapping[tuple[str, str], int]:
        """The same by class and reason."""
        return self._writer.drops

    def record(  # noqa: PLR0913 - a fact has that many fields
        self,
        event: str,
        data: dict[str, Any] | None = None,
        *,
        sender: Sender | None = None,
        task: str | None = None,
        attempt: int | None = None,
        run: str | None = None,
        job: str | None = None,
        queue: str | None = None,
        duration_ms: float | None = None,
        when: datetime | None = None,
    ) -> None:
        """Record one fact, as of now or of another time; whatever goes wrong is counted, nothing is raised."""
        extra = event in EXTRA
        if extra:
            self.present = sender or self.present
        try:
            now_ns = time.time_ns()  # read once: a fact and its id are of the same time
            fact = Fact(
                uuid7_at(now_ns),
                event,
                when or now_ns // 1000 / 1000,
                self.service,
                task,
                attempt,
                run,
                job,
                queue,
                None if sender is None else sender.worker,
                None if sender is None else sender.boot,
                duration_ms,
                data,
            )
            self._writer.append(encode(fact), self, extra)
        except Exception as error:  # noqa: BLE001 - nothing may be raised into the application
            self._refuse(error, extra=extra)

    def put(self, fact: Fact) -> None:
        """Record a fact that has its id, its time and its sender already; nothing is raised."""
        extra = fact.type in EXTRA
        try:
            self._writer.append(encode(fact), self, extra)
        except Exception as error:  # noqa: BLE001 - nothing may be raised into the application
            self._refuse(error, extra=extra)

    def _refuse(self, error: Exception, *, extra: bool) -> None:
        # Its type alone: the text of an error may hold what the fact held.
        _log.debug("a fact can't be encoded: %s", type(error).__name__)
        self._writer.drop("fact can't be encoded", self, extra=extra)

    def close(self) -> None:
        """Give up this process's segment, so that it can be drained to its end."""
        self._writer.close()
