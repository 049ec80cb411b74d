"""The composition root: which store there is, what drains into it, and what a server and a tick do with it.

Nothing but this module knows which stores exist. Everything is built here from the settings and handed down.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskscope import ingest
from taskscope.configured import register
from taskscope.core.clock import DAY
from taskscope.core.normalise import decode_event
from taskscope.errors import HomeError, InputError, StoreBusyError, StoreError, UsageError
from taskscope.ports import Keep
from taskscope.retention import retain
from taskscope.sdk import rejected, segments
from taskscope.sdk.framing import SEGMENT_SUFFIX
from taskscope.sdk.home import SPOOL
from taskscope.sdk.sidecars import read_offset
from taskscope.sdk.waiting import look_at_rejected
from taskscope.server.loops import Loop
from taskscope.server.spooled import Spool
from taskscope.stats.exported import DIFFERENCES, VERIFIED
from taskscope.stats.packing import pack
from taskscope.store.sqlite import SqliteStore, copies, inspection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskscope.config import Settings
    from taskscope.ports import Inspection, Store
    from taskscope.store.postgres import PostgresStore
    from taskscope.store.sqlite.copies import Told

STORE_FILE = "taskscope.db"
SERVE_LOCK = "serve.lock"
SERVE_ADDRESS = "serve.url"
LOGS = "logs"
DRAIN_INTERVAL_S = 0.5
PACK_INTERVAL_S = 30.0
RETENTION_INTERVAL_S = 3600.0
REGISTRY_INTERVAL_S = 60.0

_LOCK_PATIENCE_S = 1.0
_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")


def now_us() -> int:
    """Read the clock: microseconds since 1970, UTC."""
    return time.time_ns() // 1000


class Home:
    """The home folder and what lies in it; made on first use, readable by its owner alone.

    Raises
    ------
    HomeError
        The folder can't be made or used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store_file = path / STORE_FILE
        self.spool = path / SPOOL
        self.logs = path / LOGS
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(f"the home folder {path} can't be made: {error}; name another one with --home") from error
        if not os.access(path, os.W_OK | os.X_OK):
            raise HomeError(f"the home folder {path} is not yours to write; name another one with --home")

    def is_served(self) -> bool:
        """Tell whether a server holds this home."""
        with self._lock(fcntl.LOCK_SH, patience_s=0) as held:
            return not held

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Hold the home as its only server.

        Raises
        ------
        HomeError
            Another server, or a tick, holds it; `retryable`.
        """
        # Whoever asks `is_served` holds the lock for a moment, which is no reason to refuse to serve.
        with self._lock(fcntl.LOCK_EX, patience_s=_LOCK_PATIENCE_S) as held:
            if not held:
                raise _held(f"another server holds the home {self.path}; stop it, or name another home with --home")
            yield

    def announce(self, url: str) -> None:
        """Say where the server of this home answers; to be called by the one that holds it."""
        path = self.path / SERVE_ADDRESS
        beside = path.with_name(path.name + ".tmp")
        beside.touch(0o600)
        beside.write_text(url, "utf-8")
        beside.replace(path)

    def address(self) -> str:
        """Give where the server of this home answers, or the last one did; empty where none ever said."""
        try:
            return (self.path / SERVE_ADDRESS).read_text("utf-8")
        except FileNotFoundError:
            return ""

    @contextmanager
    def unserved(self) -> Iterator[None]:
        """Keep servers away for a while.

        Raises
        ------
        HomeError
            A server holds the home; `retryable`.
        """
        with self._lock(fcntl.LOCK_SH, patience_s=0) as held:
            if not held:
                raise _held(f"a server holds the home {self.path}; stop it first, its own loops do the same")
            yield

    @contextmanager
    def _lock(self, kind: int, patience_s: float) -> Iterator[bool]:
        # The kernel frees it on death: there is no stale lock to clean up.
        try:
            fd = os.open(self.path / SERVE_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise HomeError(f"the home folder {self.path} can't be locked: {error}") from error
        try:
            yield _taken(fd, kind, time.monotonic() + patience_s)
        finally:
            os.close(fd)


def _taken(fd: int, kind: int, deadline_s: float) -> bool:
    while True:
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(0.02)
        else:
            return True


def _held(message: str) -> HomeError:
    error = HomeError(message)
    error.retryable = True
    return error


def store_file(settings: Settings) -> Path | None:
    """Give the file of the embedded store, None where the store is a database.

    Raises
    ------
    UsageError
        The URL names no store that works.
    """
    url = settings.store
    if not url:
        return settings.home / STORE_FILE
    if url.startswith(_POSTGRES):
        return None
    path = url.removeprefix(_SQLITE)
    if path == url or not path or "\0" in path:
        scheme = url.partition(":")[0]  # the rest may hold a password
        what = "does not work yet" if scheme.startswith("clickhouse") else "names no store"
        remedy = "use sqlite:////absolute/path, sqlite:///relative/path or postgresql://USER:PASSWORD@HOST/DATABASE"
        raise UsageError(f"the URL of the store begins with {scheme!r}, which {what}; {remedy}")
    return Path(path).expanduser().absolute()


def open_store(settings: Settings) -> Store:
    """Open the store that the settings name; the embedded one is made when it is missing."""
    path = store_file(settings)
    if path is None:
        return _postgres()(settings.store)
    if path.parent == settings.home:
        Home(settings.home)
    elif not path.parent.is_dir():
        remedy = "make it first; an absolute path takes four slashes, as in sqlite:////var/lib/taskscope.db"
        raise UsageError(f"the folder {path.parent} of the store does not exist; {remedy}")
    if not path.exists():
        # SQLite would make it readable by everybody that the umask allows.
        try:
            path.touch(mode=0o600)
        except OSError as error:
            raise StoreError(f"the store {path} can't be made: {error}") from error
    return SqliteStore(path)


def _postgres() -> type[PostgresStore]:
    # Those who use the embedded store need not have a client of databases, nor wait until it is loaded.
    try:
        from taskscope.store.postgres import PostgresStore  # noqa: PLC0415
    except ImportError as error:
        remedy = "pip install 'taskscope[postgres]'"
        raise UsageError(f"a store on PostgreSQL needs psycopg, which can't be loaded ({error}); {remedy}") from error
    return PostgresStore


def drain(settings: Settings, store: Store, now: int, *, wait: bool = False) -> segments.Drained:
    """Take what is in the spool of the home into the store.

    A record that is refused is kept with the reason in `spool/rejected/`, and never holds up those behind it.

    Parameters
    ----------
    now
        The time of receipt.
    wait
        Wait for another process that drains this home.
    """

    def deliver(records: list[bytes]) -> None:
        facts: list[ingest.Fact] = []
        taken: list[bytes] = []
        refused: list[tuple[str, bytes]] = []
        for record in records:
            try:
                facts.append(decode_event(record))
                taken.append(record)
            except InputError as error:
                refused.append((str(error), record))
        receipt = ingest.accept(store, facts, now, malformed=len(refused))
        refused += [(reason, taken[index]) for index, reason in receipt.rejected]
        rejected.put_aside(settings.home, refused)

    return segments.drain(settings.home, deliver, wait=wait)


def keep(settings: Settings) -> Keep:
    """Give how long what is kept."""
    return Keep(
        events_us=settings.retention_events_days * DAY,
        minutes_us=settings.retention_minutes_days * DAY,
        hours_us=settings.retention_hours_days * DAY,
        runs=settings.keep_runs,
    )


def tick(settings: Settings, store: Store, now: int) -> dict[str, Any]:
    """Run every loop once as if it were `now`; without the drain where the facts of the home go to another server.

    Returns
    -------
    The mark, how many tasks the sweep saw anew, and what retention forgot.
    """
    if not settings.url:
        # A fact was received when it was received: a tick in the past must not refuse what was recorded since.
        drain(settings, store, max(now, now_us()), wait=True)
    register(store, settings.jobs, now)
    seen = ingest.sweep(store, now)
    pack(store, now)
    forgotten = retain(store, now, keep(settings))
    with store.questions() as q:
        return {"mark": q.mark(), "seen": seen, "retention": forgotten}


def store_name(settings: Settings) -> str:
    """Name the store as it may be shown: the path of a file, or a database without user and password."""
    path = store_file(settings)
    return _postgres().name(settings.store) if path is None else str(path)


def _embedded(settings: Settings, remedy: str) -> Path:
    path = store_file(settings)
    if path is None:
        raise UsageError(f"this is for the embedded store, and the store is a database; {remedy}")
    return path


def backup(settings: Settings, target: Path, told: Told) -> None:
    """Write a consistent copy of the store to a file, while others work on it.

    Raises
    ------
    UsageError
        There is no store, it is a database, or the file is the store itself.
    StoreError
        The copy can't be written.
    """
    path = _embedded(settings, "use pg_dump, which gives a consistent copy")
    if not path.exists():
        raise UsageError(f"there is no store at {path}; name its home with --home")
    if target.exists() and target.samefile(path):
        raise UsageError(f"{target} is the store itself; name another file")
    store = SqliteStore(path)
    try:
        store.backup(target, told)
    finally:
        store.close()


def restore(settings: Settings, source: Path, told: Told) -> Path | None:
    """Replace what the store holds by a copy; servers and commands may go on working.

    Returns
    -------
    Where what the store held before is kept, None where there was none.

    Raises
    ------
    UsageError
        The file is the store itself, or the store is a database.
    StoreError
        The copy is no store or damaged, or can't be taken in. Nothing changed.
    HomeError
        The store that is there can't be opened, and a server holds the home.
    """
    path = _embedded(settings, "use pg_restore")
    if path.exists() and source.samefile(path):
        raise UsageError(f"{source} is the store itself; name a copy of it")
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    before = path.with_name(f"{path.name}.before-restore-{stamp}") if path.exists() else None
    try:
        open_store(settings).close()
    except StoreBusyError:
        raise
    except StoreError:
        if before is None:
            raise
        # It may be damaged so much that nothing can be copied into it: then the file goes, and a new one is made.
        with Home(settings.home).serving():
            copies.restore_anew(source, path, before, told)
        return before
    copies.restore(source, path, before, told)
    return before


def inspect(settings: Settings, since: int, patience_s: float) -> Inspection | None:
    """Look at the store from outside, None where there is none; see `inspection.inspect`.

    Raises
    ------
    StoreError
        It can't be read as a store.
    """
    path = store_file(settings)
    if path is None:
        return _postgres().inspect(settings.store, since)
    return inspection.inspect(path, since, patience_s) if path.exists() else None


def backlog(home: Path) -> dict[str, int]:
    """Count what waits in the spool: segments, bytes not yet delivered, and refused records with their bytes."""
    found = {"segments": 0, "bytes": 0}
    spool = home / SPOOL
    for path in sorted(spool.glob("*" + SEGMENT_SUFFIX)):
        try:
            size = path.lstat().st_size
        except FileNotFoundError:  # drained since it was listed
            continue
        found["segments"] += 1
        found["bytes"] += size - read_offset(path, size)
    refused = look_at_rejected(home)
    return found | {"rejected": refused.records, "unreadable": refused.unreadable, "rejected_bytes": refused.bytes}


def oldest_s(home: Path, now_s: float) -> float:
    """Give the age of the oldest segment that is not delivered to its end, seconds; 0 where none waits."""
    oldest = now_s
    for path in (home / SPOOL).glob("*" + SEGMENT_SUFFIX):
        try:
            found = path.lstat()
        except FileNotFoundError:  # drained since it was listed
            continue
        if read_offset(path, found.st_size) < found.st_size:
            oldest = min(oldest, found.st_mtime)
    return now_s - oldest


def spool(settings: Settings) -> Spool:
    """Look at the spool of the home, as a server tells of it."""
    waiting = backlog(settings.home)
    return Spool(waiting["bytes"], oldest_s(settings.home, time.time()), waiting["rejected"])


def verified(store: Store, differences: int, now: int) -> None:
    """Keep what `verify` found, for those who watch; a store that can't be written keeps its verdict for itself."""
    with suppress(StoreError), store.ledger() as ledger:
        ledger.note(VERIFIED, now)
        ledger.note(DIFFERENCES, differences)


def loops(settings: Settings, store: Store) -> list[Loop]:
    """Give what a server does beside answering."""
    return [
        Loop("drain", DRAIN_INTERVAL_S, lambda: drain(settings, store, now_us())),
        Loop("registry", REGISTRY_INTERVAL_S, lambda: register(store, settings.jobs, now_us())),
        Loop("sweep", settings.sweep_interval_s, lambda: ingest.sweep(store, now_us())),
        Loop("pack", PACK_INTERVAL_S, lambda: pack(store, now_us())),
        Loop("retention", RETENTION_INTERVAL_S, lambda: retain(store, now_us(), keep(settings))),
    ]
