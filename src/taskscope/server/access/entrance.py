"""All of access put together, for the application: its routes, what they are given, and the door around everything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from litestar.di import Provide

from taskscope.server.access.callers import Callers
from taskscope.server.access.guard import Guard
from taskscope.server.access.routes import ROUTES, Door
from taskscope.server.access.sessions import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from litestar import Litestar

    from taskscope.ports import Store
    from taskscope.server.context import Settings


class Entrance:
    """The way into a server.

    Parameters
    ----------
    store
        Where tokens and actions are kept.
    settings
        The names of the server, and how often a token may ask.
    clock
        Gives the time, microseconds.
    link
        The link of the first start, if there is one.
    """

    routes = ROUTES

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], int], link: Link | None = None) -> None:
        self._callers = Callers(store, clock, time.monotonic)
        names, rate = settings.hosts, settings.requests_per_s
        self._guard = Guard(store, self._callers, clock, time.monotonic, names=names, requests_per_s=rate)
        self._door = Door(self._callers, self._guard.requests, self._guard.failures, link or Link())

    @property
    def provided(self) -> Mapping[str, Provide]:
        """What its routes may ask for."""
        return {"door": Provide(lambda: self._door, sync_to_thread=False)}

    def running(self) -> AbstractAsyncContextManager[None]:
        """Work until the end of the context."""
        return self._callers.running()

    def close(self, application: Litestar) -> Litestar:
        """Put the door around an application: nothing reaches a route of it any other way."""
        application.asgi_handler = self._guard.around(application.asgi_handler)
        return application
