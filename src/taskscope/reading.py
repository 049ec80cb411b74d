"""Reading from Python: what the store of this home says, another store, or a server; the same answers either way.

    import taskscope

    taskscope.statistics("send_invoices")["p95_duration_ms"]
    taskscope.all_statistics()

    with taskscope.reader(url="https://taskscope.example.com", token=token) as reader:
        reader.runs(job="send_invoices", outcome="failed")

Nothing here is loaded before the first question: an application that only records does not pay for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import urlencode

import msgspec

from taskscope import app, config, stats
from taskscope.config import Settings
from taskscope.errors import AccessDeniedError, ServerAwayError, UsageError
from taskscope.ports import Filter, Store
from taskscope.sdk.address import EVENTS_PATH, TOKEN_VARIABLE, URL_VARIABLE, parse_address
from taskscope.sdk.home import SPOOL
from taskscope.sdk.transport import Answer, Connection
from taskscope.stats import asking, scheduling

Time = str | datetime | None
Names = str | Sequence[str] | None
Parameters = Mapping[str, Any]


def statistics(job_id: str, *, sample: int = scheduling.SAMPLE, **where: Any) -> dict[str, Any] | None:
    """Give the figures of one job; see `Reader.statistics`, and `reader` for what else may be named."""
    with reader(**where) as one:
        return one.statistics(job_id, sample=sample)


def all_statistics(*, sample: int = scheduling.SAMPLE, **where: Any) -> dict[str, dict[str, Any]]:
    """Give the figures of all jobs, by name; see `Reader.all_statistics`, and `reader` for what else may be named."""
    with reader(**where) as one:
        return one.all_statistics(sample=sample)


def reader(
    *, home: str | Path | None = None, store: str | None = None, url: str | None = None, token: str | None = None
) -> Reader:
    """Open what questions are asked of; to be closed, or used in a `with`.

    Without arguments it is what the environment names: the server of TASKSCOPE_URL (with TASKSCOPE_TOKEN), else the
    store of TASKSCOPE_STORE, else that of the home.

    Parameters
    ----------
    home
        A home folder.
    store
        The URL of a store.
    url, token
        A server, and what opens it.

    Raises
    ------
    UsageError
        What is named makes no sense, or there is no store.
    StoreError
        The store can't be opened.
    """
    if url is not None and (home is not None or store is not None):
        raise UsageError("url names a server, home and store a place on this machine; name one of them")
    if url is None and home is None and store is None:
        url = os.environ.get(URL_VARIABLE, "").strip() or None
    if url is not None:
        return Reader(_Server(url, os.environ.get(TOKEN_VARIABLE) if token is None else token))
    if token is not None:
        raise UsageError("a token opens a server, and none is named; name it with url")
    return Reader(_Local(config.load(None if home is None else str(home), store), named=store is not None))


class Reader:
    """Questions, and where they are asked; from `reader`."""

    def __init__(self, source: _Source) -> None:
        self._source = source

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store, or of the connection."""
        self._source.close()

    def statistics(self, job_id: str, *, sample: int = scheduling.SAMPLE) -> dict[str, Any] | None:
        """Give the figures of one job: counts, its last run, and the durations of its newest runs in milliseconds.

        Parameters
        ----------
        sample
            How many of its newest finished runs the durations cover.

        Returns
        -------
        The fields of one entry of `/api/v1/scheduler/metrics`; None for a job that nobody has heard of.
        """
        found = self._jobs(sample, job_id)
        return found[0] if found else None

    def all_statistics(self, *, sample: int = scheduling.SAMPLE) -> dict[str, dict[str, Any]]:
        """Give the figures of all jobs by name, each as `statistics` gives them."""
        return {job["job_id"]: job for job in self._jobs(sample, None)}

    def _jobs(self, sample: int, job: str | None) -> list[dict[str, Any]]:
        if not 1 <= sample <= _MOST_SAMPLE:
            raise UsageError(f"sample {sample} is out of range: ask for 1 to {_MOST_SAMPLE}")
        found: list[dict[str, Any]] = self._source.ask("metrics", {"job": job, "sample": sample})
        return found

    def summary(
        self, start: Time = None, end: Time = None, *, job: Names = None, queue: Names = None, service: Names = None
    ) -> dict[str, Any]:
        """Give what `taskscope stats` gives: counts, rates, durations and waits of a window, in all and by job.

        Parameters
        ----------
        start, end
            The window: an aware datetime, or a text such as `2026-01-08T08:00:00Z`, `2026-01-08` or `-6h`.
        job, queue, service
            Names, one or several.
        """
        return self._ask("summary", start, end, {"job": job, "queue": queue, "service": service})

    def utilization(
        self, start: Time = None, end: Time = None, *, step: str = "1m", queue: Names = None, service: Names = None
    ) -> dict[str, Any]:
        """Give what `taskscope utilization` gives: who was busy and who idled; without a window in the last hour."""
        return self._ask("utilization", start, end, {"step": step, "queue": queue, "service": service})

    def percentiles(
        self,
        start: Time = None,
        end: Time = None,
        *,
        job: Names = None,
        queue: Names = None,
        service: Names = None,
        last: int | None = None,
        exact: bool = False,
    ) -> dict[str, Any]:
        """Give what `taskscope percentiles` gives: how long runs took, in milliseconds."""
        named = {"job": job, "queue": queue, "service": service, "last": last, "exact": exact or None}
        return self._ask("percentiles", start, end, named)

    def runs(
        self,
        start: Time = None,
        end: Time = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
        **where: Names,
    ) -> dict[str, Any]:
        """Give a page of what `taskscope runs` gives: `items`, and the `next_cursor` of the page behind it.

        Parameters
        ----------
        where
            Any of `job`, `queue`, `worker`, `service`, `state`, `outcome`; names, one or several.
        """
        unknown = sorted(where.keys() - _RUN_FILTERS)
        if unknown:
            raise UsageError(f"runs can't be filtered by {unknown[0]!r}; use {', '.join(_RUN_FILTERS)}")
        return self._ask("runs", start, end, {"limit": limit, "cursor": cursor, **where})

    def _ask(self, question: str, start: Time, end: Time, named: Parameters) -> dict[str, Any]:
        window = {"from": _text("start", start), "to": _text("end", end)}
        found: dict[str, Any] = self._source.ask(question, window | dict(named))
        return found


_MOST_SAMPLE = 100_000
_RUN_FILTERS = ("job", "queue", "worker", "service", "state", "outcome")


def _text(name: str, time: Time) -> str | None:
    if not isinstance(time, datetime):
        return time
    if time.tzinfo is None:
        raise UsageError(f"{name} {time} has no time zone; give it one, such as datetime.now(UTC)")
    return time.isoformat()


def _names(value: Names) -> list[str] | None:
    if value is None:
        return None
    return [value] if isinstance(value, str) else list(value)


class _Source(Protocol):
    """Where questions are answered."""

    def ask(self, question: str, parameters: Parameters) -> Any:
        """Answer a question by its name, with parameters as the HTTP API names them; None is left out."""

    def close(self) -> None:
        """Let go of it."""


# --- a store on this machine, or a database ---


class _Local:
    def __init__(self, settings: Settings, *, named: bool) -> None:
        self._settings = settings
        file = app.store_file(settings)
        recorded = not named and (settings.home / SPOOL).is_dir()
        if file is not None and not file.exists() and not recorded:
            remedy = "name its home (home=, TASKSCOPE_HOME), another store (store=) or a server (url=, TASKSCOPE_URL)"
            raise UsageError(f"there is no store at {file}; {remedy}")
        self._store = app.open_store(settings)
        self._drains = recorded and not settings.url and not app.Home(settings.home).is_served()

    def ask(self, question: str, parameters: Parameters) -> Any:
        if self._drains:  # a server drains by itself
            app.drain(self._settings, self._store, app.now_us(), wait=True)
        answer = _ANSWERS[question](self._store, self._settings, parameters)
        return msgspec.json.decode(msgspec.json.encode(answer))  # the same as from a server, to the last null

    def close(self) -> None:
        self._store.close()


def _where(given: Parameters) -> Filter:
    # A name is meant as it is here: a comma in it separates nothing.
    named = {
        f"{name}s": [asking.escaped(one) for one in _names(given.get(name)) or ()] or None for name in _RUN_FILTERS
    }
    return asking.where(**named)


def _window(settings: Settings, given: Parameters) -> tuple[int | None, int | None]:
    return asking.window(given["from"], given["to"], now=app.now_us(), zone=settings.zone, names=("start", "end"))


def _metrics(store: Store, _: Settings, given: Parameters) -> Any:
    return scheduling.metrics(store, _where(given), given["sample"])


def _summary(store: Store, settings: Settings, given: Parameters) -> Any:
    return stats.stats(store, _where(given), *_window(settings, given))


def _utilization(store: Store, settings: Settings, given: Parameters) -> Any:
    low, high = asking.last_hour(_window(settings, given), app.now_us())
    return stats.utilization(store, _where(given), low, high, asking.step("step", given["step"]))


def _percentiles(store: Store, settings: Settings, given: Parameters) -> Any:
    low, high = _window(settings, given)
    exact = bool(given["exact"])
    return stats.percentiles(store, _where(given), last=given["last"], start=low, end=high, force_exact=exact)


def _runs(store: Store, settings: Settings, given: Parameters) -> Any:
    window = asking.bounded(_window(settings, given))
    return stats.runs(store, _where(given), window=window, cursor=given["cursor"], limit=given["limit"])


_ANSWERS: Mapping[str, Callable[[Store, Settings, Parameters], Any]] = {
    "metrics": _metrics,
    "summary": _summary,
    "utilization": _utilization,
    "percentiles": _percentiles,
    "runs": _runs,
}


# --- a server ---


class _Server:
    def __init__(self, url: str, token: str | None) -> None:
        self._address = parse_address(url, token)
        self._connection = Connection(self._address)

    def ask(self, question: str, parameters: Parameters) -> Any:
        path = self._address.path.removesuffix(EVENTS_PATH) + _PATHS[question]
        pairs = [(name, text) for name, value in parameters.items() for text in _texts(name, value)]
        answer = self._connection.get(f"{path}?{urlencode(pairs)}" if pairs else path)
        body = _judged(answer, str(self._address))
        return body["data"]["metrics"] if question == "metrics" else body

    def close(self) -> None:
        self._connection.close()


_PATHS = {
    "metrics": "/api/v1/scheduler/metrics",
    "summary": "/api/v1/stats",
    "utilization": "/api/v1/utilization",
    "percentiles": "/api/v1/percentiles",
    "runs": "/api/v1/runs",
}


def _texts(name: str, value: Any) -> list[str]:
    """Write a parameter as the query holds it; several names stand one by one."""
    if value is None:
        return []
    if name in _RUN_FILTERS:
        return [asking.escaped(one) for one in _names(value) or ()]
    return [str(value).lower() if isinstance(value, bool) else str(value)]


def _judged(answer: Answer, server: str) -> Any:
    """Give what a server said, or raise what it means."""
    try:
        body = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        body = None
    if answer.status == HTTPStatus.OK and isinstance(body, dict):
        return body
    problem = body if isinstance(body, dict) else {}
    said = f"{answer.status} {problem.get('detail') or problem.get('message') or ''}".strip()
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise AccessDeniedError("denied", f"{server} refuses to answer ({said}); give a token that may read")
    if answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        raise UsageError(said.partition(" ")[2] or said)
    remedy = "is it a Taskscope server, and TASKSCOPE_URL its address?"
    raise ServerAwayError(f"status {answer.status}", f"{server} does not answer the question ({said}); {remedy}")
