"""How values of the domain stand in columns, and back."""

from __future__ import annotations

import json
import re
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from taskscope.core.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from taskscope.core.runs import Run
    from taskscope.ports import TaskKey

Triple = tuple[int | None, int | None, int | None]
"""The numbers of a job, a queue and a worker; None where there is no name."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def id_to_column(name: str) -> bytes | str:
    """Write an event id: a canonical UUID as its 16 bytes, less than half of its text."""
    if len(name) == 36 and _UUID.fullmatch(name):
        return bytes.fromhex(name.replace("-", ""))
    return name


def ids_to_columns(names: Sequence[str]) -> list[bytes | str]:
    """Write many event ids; almost always all of them are canonical UUIDs, and are looked at together."""
    count, text = len(names), ";".join(names) + ";"
    if len(text) == 37 * count and text.lower() == text and text[36::37] == ";" * count:
        dashes = "-" * count
        if text[8::37] == text[13::37] == text[18::37] == text[23::37] == dashes and text.count("-") == 4 * count:
            with suppress(ValueError):
                packed = bytes.fromhex(text.replace("-", "").replace(";", ""))
                if len(packed) == 16 * count:  # as all are hexadecimal digits, and none is a blank
                    return [packed[start : start + 16] for start in range(0, 16 * count, 16)]
    return [id_to_column(name) for name in names]


def id_from_column(column: bytes | str) -> str:
    """Read what `id_to_column` wrote."""
    if isinstance(column, str):
        return column
    h = column.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def task_key(task: TaskKey) -> int:
    """Give the number under which a task is looked up; others may share it, so the names are compared too."""
    service, name = task
    return zlib.crc32(f"{service}\0{name}".encode("utf-8", "surrogatepass"))


def task_columns(task: TaskKey) -> tuple[int, str, str]:
    """Give the columns that name a task: key, service, task."""
    return task_key(task), *task


def data_to_column(data: dict[str, Any]) -> str | None:
    """Write the data of a fact, None for nothing."""
    return _encode(data).decode() if data else None


def event_from_row(row: tuple[Any, ...]) -> Event:
    """Read a fact; the columns are those of `events` in questions.sql."""
    name, kind, time, service, subject, attempt, run, job, queue, worker, boot, duration, data = row
    return Event(
        id_from_column(name),
        kind,
        time,
        service,
        subject,
        attempt,
        run,
        job,
        queue,
        worker,
        boot,
        duration,
        _decode(data) if data else {},
    )


def run_to_row(task_id: int, run: Run, names: Triple, boot: int | None) -> tuple[Any, ...]:
    """Write a run; `names` are the numbers of its job, queue and worker."""
    error_type, error_message = run.error or (None, None)
    return (
        task_id,
        run.attempt,
        run.run,
        run.submission,
        run.anchor,
        *names,
        boot,
        run.state,
        run.submitted,
        run.due,
        run.start,
        run.finish,
        run.duration,
        run.wait,
        int(run.skewed),
        run.outcome,
        int(run.inferred),
        run.end_type,
        run.end_id,
        error_type,
        error_message,
        run.progress,
        run.outputs,
        run.proof,
        run.recheck,
        run.fingerprint,
    )


def checksum(values: Iterable[Any]) -> int:
    """Protect what can't be computed again from the log, so that `verify` notices a change of it."""
    text = json.dumps([v.hex() if isinstance(v, bytes) else v for v in values], separators=(",", ":"))
    return zlib.crc32(text.encode())


def like(text: str) -> str:
    r"""Make a pattern of LIKE that finds a text anywhere; its own wildcards stand for themselves, behind a `\`."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
