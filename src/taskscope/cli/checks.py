"""The checks of the doctor: each gives findings (level, what, remedy), and none of them changes anything."""

from __future__ import annotations

import http.client
import os
import shutil
import sqlite3
import stat
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from taskscope import app
from taskscope.cli.patient import BAD, OK, WARN
from taskscope.core.clock import SECOND, to_text
from taskscope.errors import StoreError
from taskscope.sdk.home import SPOOL
from taskscope.server.access.tokens import ADMIN_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from taskscope.cli.patient import Patient

_LITTLE_BYTES, _NO_BYTES = 1 << 30, 100 << 20
_STALE_SPOOL_S = 60
_LAG_S = 60
_AHEAD_S = 60
_ANSWER_S = 3
_HEALTH = "/api/v1/health"

_Found = tuple[str, str, str]


def _versions(_: Patient) -> Iterator[_Found]:
    oldest = (3, 35, 0)
    if sqlite3.sqlite_version_info < oldest:
        wanted = ".".join(map(str, oldest))
        yield (
            BAD,
            f"SQLite {sqlite3.sqlite_version} is too old",
            f"use a Python that comes with SQLite {wanted} or newer",
        )
    else:
        yield OK, f"SQLite {sqlite3.sqlite_version}", ""


def _home(patient: Patient) -> Iterator[_Found]:
    home = patient.home
    if not home.exists():
        yield OK, f"{home} does not exist yet; it is made by the first fact or command", ""
        return
    found = home.stat()
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        yield BAD, f"{home} is no folder", "name another home with --home or TASKSCOPE_HOME"
    elif found.st_uid != os.geteuid():
        yield BAD, f"{home} belongs to uid {found.st_uid}", "run as that user, or name another home with --home"
    elif mode & 0o022:
        yield BAD, f"others may write to {home} (mode {mode:04o})", f"chmod go-w {home}"
    elif not os.access(home, os.W_OK | os.X_OK):
        yield BAD, f"{home} can't be written", f"chmod u+rwx {home}"
    else:
        yield OK, f"{home} is yours (mode {mode:04o})", ""


def _disk(patient: Patient) -> Iterator[_Found]:
    folder = next(path for path in (patient.home, *patient.home.parents) if path.is_dir())
    free = shutil.disk_usage(folder).free
    level = BAD if free < _NO_BYTES else WARN if free < _LITTLE_BYTES else OK
    remedy = "make room, or keep less: retention_events_days in taskscope.yaml" if level != OK else ""
    yield level, f"{free >> 20:,} MiB are free in {folder}", remedy


def _store(patient: Patient) -> Iterator[_Found]:
    path, name = app.store_file(patient.settings), app.store_name(patient.settings)
    found = patient.store
    if isinstance(found, StoreError):
        yield BAD, str(found), "name another store with --store, or `taskscope restore` a copy of it"
        return
    if found is None:
        yield OK, f"there is no store at {name} yet; it is made by the first command", ""
        return
    if found.schema > found.known_schema:
        what = f"{name} was written by a newer version (schema {found.schema}; this one knows {found.known_schema})"
        yield BAD, what, "install that version again"
    elif found.damage:
        yield BAD, f"{name} is damaged: {'; '.join(found.damage)}", "`taskscope restore` a copy of it"
    elif path is None:
        yield OK, f"{name} answers (schema {found.schema})", ""
    else:
        extent = "was searched for damage in part, it is large" if found.damage is None else "is whole"
        yield OK, f"{path} {extent} (schema {found.schema}, {path.stat().st_size >> 10:,} KiB)", ""
    mode = 0 if path is None else stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield WARN, f"others may read {path} (mode {mode:04o})", f"chmod go-rwx {path}"


def _spool(patient: Patient) -> Iterator[_Found]:
    spool = patient.home / SPOOL
    if not spool.exists():
        yield OK, "nothing has been recorded yet", ""
        return
    if spool.lstat().st_uid != os.geteuid() or not spool.is_dir():
        yield BAD, f"{spool} is no folder of yours, so nothing is recorded", "remove it, or run as its owner"
        return
    backlog, age_s = app.backlog(patient.home), app.oldest_s(patient.home, time.time())
    waiting = f"{backlog['bytes']:,} bytes in {backlog['segments']} segments wait, the oldest since {age_s:,.0f} s"
    if backlog["bytes"] and age_s > _STALE_SPOOL_S and patient.served:
        yield BAD, f"the server does not drain: {waiting}", f"see {patient.home / app.LOGS / 'scheduler.log'}"
    elif backlog["bytes"]:
        yield OK, waiting, ""
    else:
        yield OK, "nothing waits", ""
    if torn := len(list(spool.glob("torn/*"))):
        yield WARN, f"{torn} records were torn by crashes", f"look at {spool / 'torn'}, then remove it"
    if backlog["rejected_bytes"]:
        count = f"{backlog['rejected']} records of the spool were refused"
        count += f", {backlog['unreadable']} can't be read any more" if backlog["unreadable"] else ""
        remedy = "see the reasons with `taskscope spool list`, then send them again with `taskscope spool replay`"
        yield BAD, count, remedy


def _server(patient: Patient) -> Iterator[_Found]:
    if not patient.served:
        yield OK, "no server holds this home; commands drain by themselves, and `taskscope tick` sweeps", ""
        return
    url = app.Home(patient.home).address()
    if problem := _asked(url):
        yield (
            BAD,
            f"a server holds this home and does not answer: {problem}",
            "stop it (kill -9 is safe), start it again",
        )
    else:
        yield OK, f"a server answers on {url}", ""


def _mark(patient: Patient) -> Iterator[_Found]:
    found = patient.facts
    if found is None or not found.received:
        yield OK, "there are no facts yet", ""
        return
    lag_s = (patient.now - found.mark) / SECOND
    since = f"the last sweep was {lag_s:,.0f} s ago" if found.mark else "nothing was ever swept"
    if lag_s < -_AHEAD_S:
        yield WARN, f"the mark is ahead of the clock: {to_text(found.mark)}", "set the clock of this machine"
    elif patient.served and lag_s > _LAG_S + 2 * patient.settings.sweep_interval_s:
        yield BAD, f"the server does not sweep: {since}", f"see {patient.home / app.LOGS / 'scheduler.log'}"
    elif not patient.served and lag_s > _LAG_S:
        yield WARN, f"{since}, so what timed out or was lost since is not shown", "start `taskscope serve`, or `tick`"
    else:
        yield OK, since, ""


def _clock(patient: Patient) -> Iterator[_Found]:
    found = patient.facts
    if found is None:
        yield OK, "there are no facts yet", ""
        return
    well = True
    limit = patient.now + _AHEAD_S * SECOND
    if found.received > limit:
        well = False
        yield BAD, f"facts were received at {to_text(found.received)}, which is to come", "set this machine's clock"
    elif found.newest > limit:
        well = False
        yield WARN, f"there is a run of {to_text(found.newest)}, which is to come", "set the clocks of the senders"
    if found.skewed:
        well = False
        what = f"{found.skewed} runs since yesterday started before they were submitted"
        yield WARN, what, "let all hosts take the time from one source (NTP)"
    if ahead := found.refused.get("future"):
        well = False
        what = f"{ahead} facts were refused so far, since they were more than 10 minutes ahead"
        yield WARN, what, "set the clocks of the senders"
    if well:
        yield OK, "no fact is ahead of the clock, no run of today began before it was submitted", ""


def _refused(patient: Patient) -> Iterator[_Found]:
    found = patient.facts
    counts = {reason: n for reason, n in found.refused.items() if reason != "future"} if found else {}
    if counts:
        told = ", ".join(f"{count} as {reason}" for reason, count in sorted(counts.items()))
        yield WARN, f"facts were refused so far: {told}", "see docs/reference/events.md for what is taken"
    else:
        yield OK, "no fact was refused", ""


def _remote(patient: Patient) -> Iterator[_Found]:
    url = patient.environment.get("TASKSCOPE_URL", "")
    if not url:
        yield OK, "TASKSCOPE_URL is not set: facts go to the spool of this home", ""
    elif problem := _asked(url):
        yield BAD, f"the server of TASKSCOPE_URL does not answer: {problem}", "start it, or correct the address"
    else:
        yield OK, "the server of TASKSCOPE_URL answers", ""


def _access(patient: Patient) -> Iterator[_Found]:
    path = patient.home / ADMIN_FILE
    if not path.exists():
        yield OK, "no token of the admin lies here", ""
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield BAD, f"others may read {path} (mode {mode:04o}), so they may do everything", f"chmod 600 {path}"
    else:
        yield OK, f"{path} is for its owner alone", ""


def _logs(patient: Patient) -> Iterator[_Found]:
    logs = patient.home / app.LOGS
    if not logs.exists():
        yield OK, "there are no logs yet", ""
    elif logs.is_dir() and os.access(logs, os.W_OK | os.X_OK):
        yield OK, f"logs are kept in {logs}", ""
    else:
        yield BAD, f"{logs} can't be written", f"make it a folder of yours: chmod u+rwx {logs}"


CHECKS: dict[str, Callable[[Patient], Iterator[_Found]]] = {
    "versions": _versions,
    "home": _home,
    "disk": _disk,
    "store": _store,
    "spool": _spool,
    "server": _server,
    "mark": _mark,
    "clock": _clock,
    "refused": _refused,
    "remote": _remote,
    "access": _access,
    "logs": _logs,
}


def _asked(url: str) -> str:
    """Ask a server whether it lives; give what is wrong, never the address, which may hold a password."""
    try:
        parts = urlsplit(url)
        port, secure = parts.port, parts.scheme == "https"
    except ValueError:
        return "the address is malformed"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "the address does not begin with http:// or https:// and a host"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname, port, timeout=_ANSWER_S)
    try:
        connection.request("GET", parts.path.rstrip("/") + _HEALTH)
        answer = connection.getresponse()
        body = answer.read(1_000)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    if answer.status != 200 or b'"ok"' not in body:
        return f"it answered with status {answer.status}, not as Taskscope does"
    return ""
