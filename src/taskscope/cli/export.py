"""`taskscope export`: every fact, as `taskscope import` takes it."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
import msgspec

from taskscope.cli.session import Session, options
from taskscope.core.clock import to_text
from taskscope.core.wire import wire_form
from taskscope.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskscope.ports import Questions

_encode = msgspec.json.encode


@click.command("export")
@options
@click.option("--output", metavar="FILE", help="Write to a file, which stands there whole or not at all.")
@click.option("--mark", "with_mark", is_flag=True, help="Begin with the mark of the sweep, which import takes too.")
def command(session: Session, output: str | None, with_mark: bool) -> None:  # noqa: FBT001 - click hands flags over so
    """Write every fact as an event, one a line, by time; with --json as one document."""
    with session.reading() as store, store.questions() as q, target(output) as file:
        if session.json:
            _document(q, file)
            return
        if with_mark:
            file.write(_encode({"mark": to_text(q.mark())}) + b"\n")
        for event, _ in q.events():
            file.write(_encode(wire_form(event)) + b"\n")


def _document(q: Questions, file: IO[bytes]) -> None:
    """Write one document without holding it."""
    file.write(b'{"mark":' + _encode(to_text(q.mark())) + b',"events":[')
    for number, (event, _) in enumerate(q.events()):
        file.write((b"," if number else b"") + _encode(wire_form(event)))
    file.write(b"]}\n")


@contextmanager
def target(output: str | None) -> Iterator[IO[bytes]]:
    """Open what --output names, standard output by default; a file stands there whole or not at all."""
    if output is None or output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise UsageError(
            f"--output {output} can't be written: {error.strerror}; name a file in a folder that is yours"
        ) from error
    finally:
        beside.unlink(missing_ok=True)
