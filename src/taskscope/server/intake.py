"""The way of a batch from its body to the disk: decoded by a few threads, written by one, in groups.

A commit waits for the disk, however little it holds. So whatever has gathered while one transaction was written goes
into the next one together, and each request is told what became of its own part. One that can't be written does not
harm the others: a group that fails is taken apart and tried one by one.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from taskscope import ingest
from taskscope.errors import StoreBusyError
from taskscope.server.batch import Batch, Rejected, decode
from taskscope.server.room import Place, Room

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence

    from taskscope.ports import Store

LIMIT_REQUESTS = 1_000
LIMIT_BYTES = 256 << 20
FACT_BYTES = 2_000
"""What a waiting fact weighs beside its text: measured with 80,000 of them, seven fields each."""
GROUP_FACTS = 5_000
DECODERS = 2

_log = logging.getLogger("taskscope")


class Receipt(msgspec.Struct):
    """What became of a batch; good events are kept, bad ones are named."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]


class _Waiting(NamedTuple):
    batch: Batch
    answer: Future[Receipt]


class Intake:
    """Takes batches into a store; one for a server.

    Parameters
    ----------
    store
        Where facts go.
    clock
        Gives the time of receipt, microseconds.
    """

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self.room = Room(LIMIT_REQUESTS, LIMIT_BYTES)
        self._store = store
        self._clock = clock
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._ending = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work until the end of the context, which waits until all that was taken is written."""
        self._decoders = ThreadPoolExecutor(DECODERS, thread_name_prefix="decode")
        writer = threading.Thread(target=self._write, name="intake")
        writer.start()
        try:
            yield
        finally:
            await asyncio.to_thread(self._end, writer)

    def _end(self, writer: threading.Thread) -> None:
        self._decoders.shutdown()
        with self._changed:
            self._ending = True
            self._changed.notify()
        writer.join()

    async def take(
        self, body: bytes, content_type: str, encoding: str, place: Place, services: Collection[str] | None = None
    ) -> Receipt:
        """Take a batch, with facts of some services alone if they are given; returns once it is on disk.

        Raises
        ------
        ProblemError
            It is malformed or too large, or there is no room for it.
        StoreError
            The store can't keep it.
        """
        read = partial(decode, body, content_type, encoding, services)
        # Refused by the executor's own future, which is no part of a cycle: an error holds the frames that it went
        # through, so in one, all that was unpacked would stay until the next full collection, and those are rare.
        batch = await asyncio.wrap_future(self._decoders.submit(_decode, read, place))
        answer: Future[Receipt] = Future()
        with self._changed:
            self._queue.append(_Waiting(batch, answer))
            self._changed.notify()
        try:
            return await asyncio.wrap_future(answer)
        finally:
            del answer

    # --- the one thread that writes ---

    def _write(self) -> None:
        while group := self._next_group():
            self._settle([one for one in group if one.answer.set_running_or_notify_cancel()])

    def _next_group(self) -> list[_Waiting]:
        """Wait for work, and take as much of it as one transaction should hold; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._ending)
            group: list[_Waiting] = []
            facts = 0
            while self._queue and (not group or facts + len(self._queue[0].batch.facts) <= GROUP_FACTS):
                group.append(self._queue.popleft())
                facts += len(group[-1].batch.facts)
            return group

    def _settle(self, group: Sequence[_Waiting]) -> None:
        try:
            receipts = self._accept([one.batch for one in group])
        except Exception as error:  # noqa: BLE001 - each request of the group must hear of it
            if len(group) > 1 and not isinstance(error, StoreBusyError):
                _log.warning("a group of %d batches failed, so each is tried alone: %s", len(group), error)
                for one in group:
                    self._settle([one])
            else:
                for one in group:
                    one.answer.set_exception(error)
            del group, one  # the error holds this frame: see `take`
            return
        for one, receipt in zip(group, receipts, strict=True):
            one.answer.set_result(receipt)

    def _accept(self, batches: Sequence[Batch]) -> list[Receipt]:
        facts = [fact for batch in batches for fact in batch.facts]
        malformed = sum(len(batch.rejected) for batch in batches)
        if not facts and not malformed:
            return [Receipt(0, 0, []) for _ in batches]
        receipt = ingest.accept(self._store, facts, self._clock(), malformed)
        return list(shares(receipt, batches))


def shares(receipt: ingest.Receipt, batches: Sequence[Batch]) -> Iterator[Receipt]:
    """Give each of the batches that were taken together its own receipt."""
    refused, repeated = deque(receipt.rejected), deque(receipt.repeated)
    start = 0
    for batch in batches:
        end = start + len(batch.facts)
        rejected = list(batch.rejected)
        while refused and refused[0][0] < end:
            index, reason = refused.popleft()
            rejected.append(Rejected(batch.places[index - start], reason))
        duplicates = 0
        while repeated and repeated[0] < end:
            repeated.popleft()
            duplicates += 1
        accepted = len(batch.facts) - duplicates - (len(rejected) - len(batch.rejected))
        rejected.sort(key=lambda one: one.index)
        yield Receipt(accepted, duplicates, rejected)
        start = end


def _decode(read: Callable[[], Batch], place: Place) -> Batch:
    place.check()  # a small body may hold a large batch
    batch = read()
    place.grow(batch.size_bytes + FACT_BYTES * len(batch.facts))
    return batch
