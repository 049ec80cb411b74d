"""Which runs are under way in the present context: what a thread or an asyncio task is doing, the innermost run last.

The context is Python's own (`contextvars`): each thread begins with none, each asyncio task begins with those of the
task that made it. What is kept is never changed in place, because contexts are copied. A run that ended while another
context still names it is passed over by whoever looks.
"""

from contextvars import ContextVar
from types import TracebackType
from typing import Protocol


class Execution(Protocol):
    """What can be under way."""

    @property
    def active(self) -> bool:
        """Whether it has begun and not ended."""
        ...


_under_way: ContextVar[tuple[Execution, ...]] = ContextVar("taskscope_under_way", default=())


def innermost() -> Execution | None:
    """Give the innermost execution that is under way here."""
    for one in reversed(_under_way.get()):
        if one.active:
            return one
    return None


def enter(one: Execution) -> None:
    """Make this the innermost execution of the present context."""
    around = _under_way.get()
    while around and not around[-1].active:
        around = around[:-1]
    _under_way.set((*around, one))


def leave(one: Execution) -> None:
    """Take an execution out of the present context, if it is there: it may end in another one than it began in."""
    found = _under_way.get()
    if found and found[-1] is one:
        _under_way.set(found[:-1])
    elif one in found:
        _under_way.set(tuple(other for other in found if other is not one))


class Inside:
    """What is under way inside a generator: current while it works, hidden from its caller while it waits.

    Parameters
    ----------
    one
        The generator's own execution, just entered.
    """

    __slots__ = ("_here", "_outside")

    def __init__(self, one: Execution) -> None:
        self._here = _under_way.get()
        self._outside: tuple[Execution, ...] = ()
        leave(one)

    def __enter__(self) -> None:
        self._outside = _under_way.get()
        _under_way.set(self._here)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._here = _under_way.get()
        _under_way.set(self._outside)
