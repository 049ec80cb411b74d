"""What has to start afresh in a forked child.

A hook of `os.register_at_fork` can't be taken back, so there is one for the process, and it holds what registered here
only weakly. Order matters: a new identity is drawn from the ids, so the ids must have been re-seeded before.
"""

import itertools
import os
import weakref
from contextlib import suppress
from typing import Protocol


class ForkAware(Protocol):
    """Anything with state that a forked child must not share with its parent."""

    def after_fork(self) -> None:
        """Forget what belongs to the parent: locks, threads, descriptors, identities. Called in the child only."""


_aware: weakref.WeakValueDictionary[int, ForkAware] = weakref.WeakValueDictionary()
_order = itertools.count()
_private: dict[int, tuple[int, int]] = {}


def register(thing: ForkAware) -> None:
    """Have `thing.after_fork()` called in every forked child while `thing` lives, in the order of registration."""
    _aware[next(_order)] = thing


def keep_private(fd: int) -> None:
    """Have a descriptor closed in every forked child, until it is shared again.

    A child that kept the descriptor of a lock would hold the lock, for as long as it lives, behind the death of its
    parent. Only for a descriptor that no code of the child uses.
    """
    _private[fd] = _identity(fd)


def share(fd: int) -> None:
    """Leave a descriptor alone again; to be called before it is closed."""
    _private.pop(fd, None)


def _identity(fd: int) -> tuple[int, int]:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino


def _in_child() -> None:
    for fd, identity in _private.items():
        with suppress(OSError):
            # A number that was closed and given to another file since is not ours to close.
            if _identity(fd) == identity:
                os.close(fd)
    _private.clear()
    for thing in list(_aware.values()):
        thing.after_fork()


os.register_at_fork(after_in_child=_in_child)
