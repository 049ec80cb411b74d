"""What a doctor looks at, and the form of what it finds."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from taskscope import app
from taskscope.core.clock import DAY
from taskscope.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskscope.config import Settings
    from taskscope.ports import Inspection

OK, WARN, BAD = "ok", "warn", "bad"

_DAMAGE_PATIENCE_S = 5


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes
    ----------
    check
        What was looked at.
    level
        ok, warn or bad.
    what
        What was found.
    remedy
        What to do, empty where nothing has to be done.
    """

    check: str
    level: str
    what: str
    remedy: str = ""


class Patient:
    """What is looked at, and when; each part of it once.

    Parameters
    ----------
    settings
        Those of the command.
    environment
        The environment variables.
    now
        The time, microseconds.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str], now: int) -> None:
        self.settings = settings
        self.environment = environment
        self.now = now
        self.home = settings.home

    @cached_property
    def served(self) -> bool:
        """Whether a server holds the home."""
        return self.home.is_dir() and os.access(self.home, os.W_OK | os.X_OK) and app.Home(self.home).is_served()

    @cached_property
    def store(self) -> Inspection | StoreError | None:
        """The store, or why it can't be read; None where there is none."""
        try:
            return app.inspect(self.settings, self.now - self.now % DAY - DAY, _DAMAGE_PATIENCE_S)
        except StoreError as error:
            return error

    @property
    def facts(self) -> Inspection | None:
        """The store, if there is one that can be read."""
        return None if isinstance(self.store, StoreError) else self.store
