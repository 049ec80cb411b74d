"""Who asks: the token or the cookie that a request shows, looked up by its hash.

What was found is believed for a second. So a token that is revoked by another server or by a command opens nothing a
second later, and a sender that shows the same token a hundred times a second is looked up once.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from taskscope.core.access import ADMIN_NAME, ON_LOOPBACK, Caller
from taskscope.errors import TaskscopeError
from taskscope.server.access.tokens import digest
from taskscope.server.loops import Loop, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from taskscope.ports import Store

BELIEVED_S = 1.0
USED_INTERVAL_S = 60.0
"""How often it is written when tokens were last used."""
_THREADS = 4
_LIMIT_FOUND = 10_000

_log = logging.getLogger("taskscope")


class Found(NamedTuple):
    """What a secret is: whose, or why it opens nothing."""

    caller: Caller | None
    why: str


class Callers:
    """Tells who asks; one for a server.

    Parameters
    ----------
    store
        Where tokens are kept.
    clock
        Gives the time, microseconds.
    monotonic
        A clock that only rises, seconds.
    """

    def __init__(self, store: Store, clock: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._found: dict[tuple[str, bytes], tuple[Found, float]] = {}
        self._decided = False
        self._undecided_until = 0.0
        self._used: dict[str, int] = {}
        self._lock = threading.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work until the end of the context."""
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="access")
        try:
            async with running([Loop("access", USED_INTERVAL_S, self.write_used)]):
                yield
        finally:
            self._threads.shutdown()
            if self._used:
                try:
                    await asyncio.to_thread(self.write_used)
                except TaskscopeError as error:
                    _log.warning("when tokens were last used can't be written: %s", error)

    async def show(self, kind: str, secret: str) -> Found:
        """Look a secret up.

        Parameters
        ----------
        kind
            `token` or `session`.
        secret
            The token or the cookie.
        """
        key = (kind, digest(secret))
        known = self._found.get(key)
        if known is None or known[1] <= self._monotonic():
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self._look_up, *key)
            if len(self._found) >= _LIMIT_FOUND:
                self._found.clear()
            self._found[key] = known = (found, self._monotonic() + BELIEVED_S)
        caller = known[0].caller
        if caller is None:
            return known[0]
        now = self._clock()
        if caller.expires is not None and caller.expires <= now:
            return Found(None, "expired")
        with self._lock:
            self._used[caller.name] = now
        return known[0]

    def is_known(self, kind: str, secret: str) -> bool:
        """Tell whether a secret opened something lately."""
        known = self._found.get((kind, digest(secret)))
        return known is not None and known[0].caller is not None

    async def on_loopback(self) -> Caller | None:
        """Give who somebody on this machine is without a token; None once there was any token beside the first."""
        if self._decided:
            return None
        if self._undecided_until <= self._monotonic():
            self._decided = await asyncio.get_running_loop().run_in_executor(self._threads, self._is_decided)
            self._undecided_until = self._monotonic() + BELIEVED_S
        return None if self._decided else ON_LOOPBACK

    def forget(self) -> None:
        """Believe nothing any more: tokens or cookies have changed."""
        self._found.clear()
        self._undecided_until = 0.0

    def write_used(self) -> None:
        """Write when tokens were last used, and forget those whose sign-in is over."""
        with self._lock:
            used, self._used = self._used, {}
        now = self._clock()
        with self._store.access(write=True) as access:
            access.touch(used)
            access.forget_signed_in(now)

    def _is_decided(self) -> bool:
        with self._store.access() as access:
            return access.has_tokens_beside(ADMIN_NAME)

    def _look_up(self, kind: str, hashed: bytes) -> Found:
        now = self._clock()
        with self._store.access() as access:
            if kind == "token":
                token, ends = access.token(hashed), None
            else:
                found = access.signed_in(hashed)
                token, ends = (None, None) if found is None else (found[1], found[0].expires)
        if token is None:
            return Found(None, "unknown")
        if ends is not None and ends <= now:
            return Found(None, "expired")
        if why := token.ended(now):
            return Found(None, why)
        if ends is not None and token.expires is not None:
            ends = min(ends, token.expires)
        return Found(Caller.of(token, kind, ends), "")
