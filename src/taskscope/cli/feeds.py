"""Files of lines as they come: plain or compressed, named or from standard input, in bounded memory.

A file is refused whole before its first line is taken where no line of it can be trusted: a compressed file that is
broken anywhere, or a format that holds no lines.
"""

from __future__ import annotations

import stat
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from taskscope.errors import InputError, UsageError
from taskscope.server.decompress import compression, decompress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

STDIN = "-"
LINE_LIMIT_BYTES = 16 << 20

_CHUNK_BYTES = 1 << 18
_BOM = b"\xef\xbb\xbf"
_FOREIGN = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"PK\x03\x04": "zip",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def check(name: str) -> None:
    """Tell early whether a file is there to be read.

    Raises
    ------
    UsageError
        It is missing, a folder, or not ours to read.
    """
    if name == STDIN:
        return
    try:
        with Path(name).open("rb"):
            pass
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{name} can't be read: {reason}; name files of events or runs, or - for stdin") from error


@contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    """Open a file for reading it twice; standard input and pipes are copied to a temporary file first."""
    if name == STDIN:
        with _copied(sys.stdin.buffer) as copy:
            yield copy
        return
    with Path(name).open("rb") as file:
        if stat.S_ISREG(Path(name).stat().st_mode):
            yield file
            return
        with _copied(file) as copy:
            yield copy


@contextmanager
def _copied(source: IO[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as copy:
        for chunk in iter(lambda: source.read(_CHUNK_BYTES), b""):
            copy.write(chunk)
        copy.seek(0)
        yield copy


def lines(file: IO[bytes], advance: Callable[[int], object]) -> Iterator[tuple[int, bytes | None]]:
    r"""Give the lines of an open file with their numbers from 1; blank ones are left out.

    Lines end with \n, and may end with \r\n. A line of more than `LINE_LIMIT_BYTES` is given as None.

    Parameters
    ----------
    file
        Where to read, at its start.
    advance
        Is told how many bytes were read, compressed as they are.

    Raises
    ------
    InputError
        The file is refused whole; before the first line.
    """
    kind = _recognised(file)
    for number, line in split(_plain(file, kind, advance)):
        text = line
        if text is not None:
            if number == 1:
                text = text.removeprefix(_BOM)
            text = text.removesuffix(b"\r")
            if not text.strip():
                continue
        yield number, text


def _recognised(file: IO[bytes]) -> str | None:
    head = file.read(6)
    file.seek(0)
    for magic, name in _FOREIGN.items():
        if head.startswith(magic):
            remedy = "send UTF-8 text with one JSON object a line, plain or compressed with gzip or zstd"
            raise InputError(f"the file is in the format {name}", remedy=remedy)
    kind = compression(head)
    if kind is not None:
        for _ in decompress(_chunks(file), kind):
            pass
        file.seek(0)
    return kind


def _plain(file: IO[bytes], kind: str | None, advance: Callable[[int], object]) -> Iterator[bytes]:
    chunks = _chunks(file, advance)
    return chunks if kind is None else decompress(chunks, kind)


def _chunks(file: IO[bytes], advance: Callable[[int], object] | None = None) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        if advance is not None:
            advance(len(chunk))
        yield chunk


def split(pieces: Iterable[bytes], limit: int = LINE_LIMIT_BYTES) -> Iterator[tuple[int, bytes | None]]:
    """Cut a stream into numbered lines without their ends; one that is longer than `limit` is None."""
    held: list[bytes] = []
    number, length = 1, 0
    for piece in pieces:
        *whole, rest = piece.split(b"\n")
        for part in whole:
            length += len(part)
            yield number, None if length > limit else b"".join((*held, part))
            number, held, length = number + 1, [], 0
        length += len(rest)
        if length > limit:
            held = []
        elif rest:
            held.append(rest)
    if length:
        yield number, None if length > limit else b"".join(held)
