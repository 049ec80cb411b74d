"""What has to start afresh in a forked child.

A hook of `os.register_at_fork` can't be taken back, so there is one for the process, and it holds what registered here
only weakly. Order matters: a new identity is drawn from the ids, so the ids must have been re-seeded before.
"""

import itertools
import os
import weakref
from typing import Protocol


class ForkAware(Protocol):
    """Anything with state that a forked child must not share with its parent."""

    def after_fork(self) -> None:
        """Forget what belongs to the parent: locks, threads, descriptors, identities. Called in the child only."""


_aware: weakref.WeakValueDictionary[int, ForkAware] = weakref.WeakValueDictionary()
_order = itertools.count()


def register(thing: ForkAware) -> None:
    """Have `thing.after_fork()` called in every forked child while `thing` lives, in the order of registration."""
    _aware[next(_order)] = thing


def _in_child() -> None:
    for thing in list(_aware.values()):
        thing.after_fork()


os.register_at_fork(after_in_child=_in_child)
