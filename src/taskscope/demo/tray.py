"""The queue between the processes: a folder, in which taking an order is renaming its file.

A rename either happens or does not, so a process that is killed at any moment blocks nobody and loses no order.
"""

import time
from pathlib import Path

import msgspec

_CLOSED = "closed"


class Order(msgspec.Struct):
    """What is to be done.

    Attributes
    ----------
    effort
        About how much work it is, in milliseconds of one core.
    fate
        `fine`, `corrupt` (its input is damaged), `endless` (it gives up at its limit) or `stuck` (it never returns).
    too_early
        This many attempts come too early and ask for another one.
    limit_s
        How long it may take.
    due_ns
        Not before when.
    """

    task: str
    job: str
    queue: str
    effort: int
    fate: str = "fine"
    too_early: int = 0
    limit_s: float = 60.0
    attempt: int = 1
    due_ns: int = 0


class Tray:
    """The queues of one demonstration.

    Parameters
    ----------
    folder
        Where they are; every process names the same.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting = folder / "waiting"
        self._taken = folder / "taken"
        for each in (self._waiting, self._taken):
            each.mkdir(exist_ok=True)

    def put(self, order: Order) -> None:
        """Add an order; those that are due first are taken first."""
        name = f"{order.due_ns:020d}-{order.task}-{order.attempt}-{order.queue}"
        unborn = self._folder / name
        unborn.write_bytes(msgspec.json.encode(order))
        unborn.rename(self._waiting / name)

    def take(self, worker: str) -> Order | None:
        """Take the first order that is due; None when there is none."""
        mine = self._taken / worker
        mine.mkdir(exist_ok=True)
        now_ns = time.time_ns()
        for path in sorted(self._waiting.iterdir()):
            if int(path.name.partition("-")[0]) > now_ns:
                return None
            try:
                taken = path.rename(mine / path.name)
            except FileNotFoundError:
                continue  # another worker was faster
            return msgspec.json.decode(taken.read_bytes(), type=Order)
        return None

    def done(self, worker: str) -> None:
        """Forget the order that a worker holds."""
        for path in self._held(worker):
            path.unlink()

    def put_back(self, worker: str) -> None:
        """Let others take the order that a dead worker holds."""
        for path in self._held(worker):
            path.rename(self._waiting / path.name)

    def waiting(self) -> int:
        """Count the orders that nobody has taken, due or not."""
        return sum(1 for _ in self._waiting.iterdir())

    def close(self) -> None:
        """Say that no new work comes; workers go when nothing waits any more."""
        (self._folder / _CLOSED).touch()

    @property
    def closed(self) -> bool:
        """Whether no new work comes."""
        return (self._folder / _CLOSED).exists()

    def _held(self, worker: str) -> list[Path]:
        return list((self._taken / worker).glob("*"))
