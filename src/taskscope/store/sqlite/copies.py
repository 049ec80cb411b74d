"""Consistent copies of the file while others work on it, and the way back.

A copy is made by SQLite's online backup within one read transaction: it holds what was committed when it began, and
nobody waits for it. It appears under its name whole or not at all.

The way back is the same in the other direction, in one write transaction:

1. The file is copied beside the store, brought up to date and checked there; what was given is never written to.
2. The backup into the live store takes the write lock with its first step. From there on nobody else commits.
3. What the store held until then is copied aside, so that a wrong restore can be undone.
4. The other pages follow. The commit replaces everything at once: until then all others see what was there before,
   and a process that is killed half way leaves the store as it was.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from taskscope.errors import StoreBusyError, StoreError
from taskscope.store.sqlite.connection import PAGE_BYTES, connect, translated
from taskscope.store.sqlite.queries import migrations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Told = Callable[[int, int], object]
    """Is told the pages that are done, and how many there are."""

_STEP_PAGES = 1_024
_FIRST_STEPS_PAGES = 16  # fewer than the smallest store has: see `_replace`
_BESIDE = ("", "-wal", "-shm", "-journal")
_SCRATCH = ".restore-"
_TABLES = {"event", "task", "run", "cell", "meta"}


def copy(source: sqlite3.Connection, target: Path, told: Told) -> None:
    """Write what a store holds now to a file, readable by its owner alone; one that is there is replaced.

    Parameters
    ----------
    source
        A connection; if it has a transaction, that is what is copied.

    Raises
    ------
    StoreError
        The file can't be written, or another process is writing it.
    """
    beside = target.with_name(target.name + ".tmp")
    with _claimed(beside) as fd:
        try:
            with closing(sqlite3.connect(beside, isolation_level=None)) as made:
                made.execute("PRAGMA journal_mode = OFF")  # a copy that breaks off is thrown away
                made.execute("PRAGMA synchronous = OFF")  # it is synced once, below
                source.backup(made, pages=_STEP_PAGES, progress=lambda _, left, pages: told(pages - left, pages))
                made.execute("PRAGMA journal_mode = DELETE")  # one file alone, which can be read from anywhere
            os.fsync(fd)
            beside.replace(target)
            _sync_folder(target.parent)
        except sqlite3.Error as error:
            raise translated(error) from error
        except OSError as error:
            raise StoreError(f"the copy {target} can't be written: {error}") from error


def restore(source: Path, live: Path, before: Path | None, told: Told) -> None:
    """Replace what a store holds by what a copy of one holds.

    Parameters
    ----------
    source
        The copy; it is only read.
    live
        The store, on which others may be working.
    before
        Where what the store held is kept; None: nowhere.

    Raises
    ------
    StoreError
        The copy is no store, is damaged or newer than this program, or something can't be written. Nothing changed.
    StoreBusyError
        Others held the store for too long. Nothing changed.
    """
    with _scratch(live) as folder:
        made = folder / "copy.db"
        _fetch(source, made, told)
        try:
            with closing(connect(live)) as into:
                [page_bytes] = into.execute("PRAGMA page_size").fetchone()
                _prepare(made, source, page_bytes)
                with closing(sqlite3.connect(made, isolation_level=None)) as prepared:
                    _replace(prepared, into, lambda: _keep(live, folder, before, told), told)
        except sqlite3.Error as error:
            raise translated(error) from error


def restore_anew(source: Path, live: Path, before: Path, told: Told) -> None:
    """Put a copy in the place of a file that can't be opened as a store; nobody else may have it open.

    Raises
    ------
    StoreError
        The copy is no store, is damaged or newer than this program, or something can't be written. Nothing changed.
    """
    with _scratch(live) as folder:
        made = folder / "copy.db"
        _fetch(source, made, told)
        try:
            _prepare(made, source, PAGE_BYTES)
            for suffix in _BESIDE:
                with suppress(FileNotFoundError):
                    live.with_name(live.name + suffix).rename(before.with_name(before.name + suffix))
            made.rename(live)
            _sync_folder(live.parent)
        except sqlite3.Error as error:
            raise translated(error) from error
        except OSError as error:
            raise StoreError(f"{live} can't be replaced: {error}") from error


def _fetch(source: Path, made: Path, told: Told) -> None:
    with _opened(source) as given:
        copy(given, made, told)


@contextmanager
def _opened(source: Path) -> Iterator[sqlite3.Connection]:
    """Open a file that may be anything, to read it."""
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as given:
            [version] = given.execute("PRAGMA user_version").fetchone()
            tables = {name for (name,) in given.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            if version < 1 or not tables >= _TABLES:
                raise StoreError(f"{source} is no Taskscope store; name a file that `taskscope backup` made")
            if version > len(migrations()):
                known = len(migrations())
                raise StoreError(f"{source} was written by a newer version (schema {version}); this one knows {known}")
            yield given
    except sqlite3.Error as error:
        remedy = "name a file that `taskscope backup` made"
        raise StoreError(f"{source} can't be read as a store: {error}; {remedy}") from error


def _prepare(made: Path, source: Path, page_bytes: int) -> None:
    """Bring a copy up to date, check it, and give it the page size of the store."""
    with closing(connect(made)) as connection:
        found = [row for (row,) in connection.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            raise StoreError(f"{source} is damaged: {'; '.join(found)}; restore another copy")
        connection.execute("PRAGMA journal_mode = DELETE")
        if connection.execute("PRAGMA page_size").fetchone() != (page_bytes,):
            connection.execute(f"PRAGMA page_size = {page_bytes:d}")
            connection.execute("VACUUM")


def _keep(live: Path, folder: Path, before: Path | None, told: Told) -> None:
    if before is not None:
        made = folder / "before.db"  # where a process that is killed leaves nothing for ever
        with closing(connect(live)) as reader:
            copy(reader, made, told)
        made.replace(before)
        _sync_folder(before.parent)


def _replace(prepared: sqlite3.Connection, into: sqlite3.Connection, locked: Callable[[], object], told: Told) -> None:
    """Copy page by page in one transaction; `locked` is called once, when nobody else can commit any more."""
    held = False

    def step(status: int, left: int, pages: int) -> None:
        nonlocal held
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreBusyError("the store is busy: others write to it without a pause. Try again.")
        if not held:
            held = True
            locked()
        told(pages - left, pages)

    # The first step takes the lock. It must not be the last one too, which commits.
    prepared.backup(into, pages=_FIRST_STEPS_PAGES, progress=step)


@contextmanager
def _claimed(path: Path) -> Iterator[int]:
    """Make a file that only one process writes at a time; whatever is left of it in the end goes."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError(f"{path} can't be written: {error}") from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"another process is writing {path}; wait for its end") from error
        os.fchmod(fd, 0o600)
        os.ftruncate(fd, 0)  # one that was killed may have left a part
        made = os.fstat(fd).st_ino
        try:
            yield fd
        finally:
            for suffix in _BESIDE:
                with suppress(FileNotFoundError):
                    part = path.with_name(path.name + suffix)
                    if suffix or part.stat().st_ino == made:
                        part.unlink()
    finally:
        os.close(fd)


@contextmanager
def _scratch(live: Path) -> Iterator[Path]:
    """Make a folder beside the store, and remove those of processes that were killed."""
    prefix = live.name + _SCRATCH
    for left in live.parent.glob(prefix + "*"):
        with suppress(OSError), _locked_folder(left):
            shutil.rmtree(left)
    try:
        folder = live.with_name(os.path.basename(tempfile.mkdtemp(prefix=prefix, dir=live.parent)))  # noqa: PTH119
    except OSError as error:
        raise StoreError(f"there is no room beside {live}: {error}") from error
    with _locked_folder(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


@contextmanager
def _locked_folder(folder: Path) -> Iterator[None]:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
