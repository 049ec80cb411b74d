"""What could not be kept: counted in memory, and told as `spool.gap` facts once something can be written again."""

import time
from collections import Counter
from typing import NamedTuple, Protocol

import msgspec

from taskscope.sdk.appending import Appender
from taskscope.sdk.fact import Fact, encode, instant
from taskscope.sdk.framing import frame
from taskscope.sdk.ids import uuid7_at

GAP_INTERVAL_S = 10.0
"""Seconds between two gaps of a class: where facts are dropped one by one, the gaps must not outnumber them."""

_REASON_LIMIT = 200


class Origin(Protocol):
    """Who records."""

    @property
    def service(self) -> str:
        """The application."""

    @property
    def present(self) -> tuple[str, str] | None:
        """Worker and boot, once this process has said that it is a worker."""


class _Nobody(NamedTuple):
    service: str = "default"
    present: tuple[str, str] | None = None


NOBODY: Origin = _Nobody()


class Loss(msgspec.Struct):
    """What a service lost of one class since its last gap.

    Attributes
    ----------
    since, until
        When the first and the last of them were to be kept, in epoch seconds.
    present
        Worker and boot, where the process was a worker.
    reasons
        How often what kept them out.
    """

    since: float
    until: float
    present: tuple[str, str] | None
    reasons: Counter[str] = msgspec.field(default_factory=Counter)

    def reason(self) -> str:
        """Give the reasons as a text: the only one, or all with their counts, the most frequent first."""
        if len(self.reasons) == 1:
            return next(iter(self.reasons))[:_REASON_LIMIT]
        return ", ".join(f"{reason}: {count}" for reason, count in self.reasons.most_common())[:_REASON_LIMIT]


class Losses:
    """What one process lost and has not told yet, by service and class."""

    def __init__(self) -> None:
        self.untold: dict[tuple[str, str], Loss] = {}
        self._told_at: dict[tuple[str, str], float] = {}

    def add(self, reason: str, origin: Origin, *, extra: bool) -> None:
        """Count one fact."""
        now = time.time()
        key = origin.service, "extra" if extra else "task"
        loss = self.untold.get(key)
        if loss is None:
            loss = self.untold[key] = Loss(now, now, origin.present)
        loss.until = now
        loss.present = origin.present or loss.present
        loss.reasons[reason] += 1

    def tell(self, task: Appender, now_s: float, *, at_once: bool = False) -> list[str]:
        """Write a gap for each service and class that lost something.

        Parameters
        ----------
        task
            Where they are written. A gap is never dropped before other facts.
        now_s
            The monotonic clock.
        at_once
            Do not wait for `GAP_INTERVAL_S`: this is the last chance.

        Returns
        -------
        What could not be told, in words; it stays counted.
        """
        failed = []
        if task.ready(now_s) or at_once:
            for key in list(self.untold):
                if at_once or now_s >= self._told_at.get(key, 0.0):
                    loss = self.untold.pop(key)
                    if task.write(frame(_gap(key, loss)), now_s) is None:
                        self._told_at[key] = now_s + GAP_INTERVAL_S
                    else:
                        failed.append(f"{loss.reasons.total()} {key[1]} facts of {key[0]} ({loss.reason()})")
                        self.untold[key] = loss
        return failed


def _gap(key: tuple[str, str], loss: Loss) -> bytes:
    worker, boot = loss.present or (None, None)
    data = {
        "dropped": loss.reasons.total(),
        "class": key[1],
        "since": instant(loss.since),
        "until": instant(loss.until),
        "reason": loss.reason(),
    }
    now_ns = time.time_ns()
    now_ms = now_ns // 1000 / 1000
    return encode(Fact(uuid7_at(now_ns), "spool.gap", now_ms, key[0], worker=worker, boot=boot, data=data))
