"""Standing in front of foreign methods, where a library has no hook, and stepping aside again."""

from collections.abc import Callable
from typing import Any

_ABSENT = object()


class Patches:
    """Attributes that were replaced, and can be put back."""

    def __init__(self) -> None:
        self._done: list[tuple[Any, str, object]] = []

    def put(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Replace an attribute by what `make` gives for it; what does not exist stays away.

        Parameters
        ----------
        owner
            A class or an object.
        name
            The attribute.
        make
            Gives what takes its place.
        """
        standing = getattr(owner, name, _ABSENT)
        if standing is _ABSENT:
            return
        # Its own, or inherited: what was inherited is put back by removing ours.
        self._done.append((owner, name, vars(owner).get(name, _ABSENT)))
        setattr(owner, name, make(standing))

    def undo(self) -> None:
        """Put back what was there, the newest first."""
        while self._done:
            owner, name, own = self._done.pop()
            if own is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, own)
