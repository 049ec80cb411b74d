"""Workers: who is there, who is gone and since when, and what each did in a window."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from taskscope.core import presence
from taskscope.core.clock import MINUTE, to_text
from taskscope.core.intervals import WIDTHS, overlap
from taskscope.stats import cursors
from taskscope.stats.listing import DEFAULT_LIMIT, MAX_LIMIT
from taskscope.stats.windows import cover

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskscope.core.intervals import Interval
    from taskscope.ports import BootRow, Filter, Name, Questions, Store

_BOOTS = 5
"""How many boots of a worker are looked at: the newest heartbeats."""
_CHUNK = 1000


class Worker(msgspec.Struct):
    """A worker of a service.

    Attributes
    ----------
    present, gone_since
        Whether it is there now; if not, when it was last.
    boots
        How many starts of it were ever seen; 0 where its facts name none.
    boot, role, host, pid, pool
        What its newest start tells.
    concurrency
        How many runs it takes at once, over its starts that are present, as they told it.
    queues
        What it serves, of those starts that are present.
    running
        Its runs that have no end.
    last_sign_at
        Its newest heartbeat, or the newest fact of a run that is open or names no boot.
    utilization
        Busy time of the window divided by its length; above 1 where it runs side by side.
    finished, succeeded
        Runs of the window, by finish.
    """

    service: str
    worker: str
    present: bool
    gone_since: str | None
    boots: int
    boot: str | None
    role: str | None
    host: str | None
    pid: int | None
    pool: str | None
    concurrency: int | None
    queues: list[str]
    running: int
    last_sign_at: str | None
    busy_ms: float
    utilization: float
    finished: int
    succeeded: int


class Workers(msgspec.Struct):
    """A page of workers, by service and name."""

    now: str
    items: list[Worker]
    next_cursor: str | None
    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")


def workers(
    store: Store,
    where: Filter,
    window: Interval,
    now: int,
    *,
    present: bool | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Workers:
    """Answer who works, by service and name, a page at a time; agents run no tasks and are no workers.

    Parameters
    ----------
    where
        Services, workers and queues: of a queue are those whose starts serve it that are present.
    window
        What is said of the past is of; it is widened to whole minutes, and ends now at the latest.
    present
        Only those that are there, or only those that are gone.

    Raises
    ------
    UsageError
        The cursor is none that an earlier page gave, or the limit is out of range.
    """
    cursors.checked(limit, MAX_LIMIT)
    after = ("", "") if cursor is None else cursors.read(cursor, tuple[str, str])
    with store.questions() as q:
        low, high = window[0] // MINUTE * MINUTE, -(-window[1] // MINUTE) * MINUTE
        answer = _Answer(q, where, cover(q, low, high).window, now)
        found: list[Worker] = []
        more = True
        while more and len(found) <= limit:
            chunk = q.workers(where, after, _CHUNK if present is not None or where.queues else limit + 1)
            more = bool(chunk)
            if chunk:
                after = chunk[-1][1]
                found += [one for one in answer.describe(chunk) if present is None or one.present == present]
        page = found[:limit]
        answer.measure(page)
    behind = cursors.write((page[-1].service, page[-1].worker)) if len(found) > limit else None
    return Workers(to_text(now), page, behind, to_text(answer.window[0]), to_text(answer.window[1]))


class _Answer:
    """One question being answered."""

    def __init__(self, q: Questions, where: Filter, window: Interval, now: int) -> None:
        self._q, self._where, self._now = q, where, now
        self.window = window
        self._served = q.served((now, now + 1))
        self._bootless = {(row.service, row.worker) for row in q.presence((now, now + 1)) if row.boot == 0}
        self._ran = q.served_bootless() if self._bootless else {}
        self._running = q.running()
        self._there: defaultdict[int, list[BootRow]] = defaultdict(list)
        for boot in q.boots_there(now):
            self._there[boot.worker].append(boot)

    def describe(self, chunk: Sequence[tuple[int, Name]]) -> list[Worker]:
        """Say who these are, without those that are no workers or do not serve the queues that are asked about."""
        numbers = [number for number, _ in chunk]
        boots: defaultdict[int, list[BootRow]] = defaultdict(list)
        for boot in self._q.boots_of(numbers, _BOOTS):
            boots[boot.worker].append(boot)
        counts, signs = self._q.boot_counts(numbers), self._q.bootless_signs(numbers)
        found = []
        for number, name in chunk:
            if boots[number] and all(_is_agent(boot) for boot in boots[number]) and number not in signs:
                continue
            there = self._there[number]
            one = self._worker(name, boots[number], there, signs.get(number))
            one.boots = counts.get(number, 0)
            if self._where.queues is None or set(one.queues).intersection(self._where.queues):
                found.append(one)
        return found

    def _worker(self, name: Name, boots: Sequence[BootRow], there: Sequence[BootRow], sign: int | None) -> Worker:
        queues = {queue for boot in there for queue in self._served.get(boot.number, ())}
        without = name in self._bootless
        if without:
            queues |= self._ran.get(name, set())
        running, proof = self._running.get(name, (0, None))
        heartbeats = [boot.folded.heartbeat[0] for boot in boots if boot.folded.heartbeat is not None]
        last = max([*heartbeats, *(time for time in (sign, proof) if time is not None)], default=None)
        spans = [boot.folded.spans(cut=bool(boot.boot)) for boot in boots]
        ends = [span[-1][1] for span in spans if span]
        gone = max([*ends, *([] if sign is None else [sign])], default=None)
        told = [boot.folded.concurrency[2] for boot in there if boot.folded.concurrency is not None]
        newest = boots[0].folded if boots else presence.Boot()
        present = bool(there or without)
        return Worker(
            service=name[0],
            worker=name[1],
            present=present,
            gone_since=None if present or gone is None else to_text(gone),
            boots=0,
            boot=(boots[0].boot or None) if boots else None,
            role=newest.role[2] if newest.role else None,
            host=newest.host[2] if newest.host else None,
            pid=newest.pid[2] if newest.pid else None,
            pool=newest.pool[2] if newest.pool else None,
            concurrency=sum(told) if told else None,
            queues=sorted(queue for queue in queues if queue),
            running=running,
            last_sign_at=None if last is None else to_text(last),
            busy_ms=0,
            utilization=0,
            finished=0,
            succeeded=0,
        )

    def measure(self, page: Sequence[Worker]) -> None:
        """Add what these did in the window: from cells, and open runs up to their last proof of life."""
        window = (self.window[0], min(self.window[1], self._now))
        length = max(1, window[1] - window[0])
        of = {(one.service, one.worker): one for one in page}
        where = self._where._replace(workers=sorted({worker for _, worker in of}))
        for name, (busy, finished, succeeded) in work(self._q, self.window, where).items():
            if name in of:
                one = of[name]
                one.busy_ms, one.finished, one.succeeded = busy / 1000, finished, succeeded
        for run in self._q.open_runs(where._replace(workers=None)):
            if (run.service, run.worker) in of:
                of[run.service, run.worker].busy_ms += overlap((run.start, run.end), window) / 1000
        for one in page:
            one.utilization = one.busy_ms * 1000 / length


def work(q: Questions, window: Interval, where: Filter) -> dict[Name, tuple[int, int, int]]:
    """Give (busy time, finished, succeeded) of each worker in a window of whole minutes, of finished runs.

    Each piece of the window is read from its cells, and from the coarser ones above what covers those whole.
    """
    found: dict[Name, tuple[int, int, int]] = {}
    for granularity, piece in cover(q, *window).cells:
        for kind in range(granularity, len(WIDTHS)):
            for name, (busy, finished, succeeded) in q.work(kind, piece, where, counted=kind == granularity):
                known = found.get(name, (0, 0, 0))
                found[name] = (known[0] + busy, known[1] + finished, known[2] + succeeded)
    return found


def _is_agent(boot: BootRow) -> bool:
    return boot.folded.role is not None and boot.folded.role[2] == presence.AGENT
