"""Decompression in bounded memory, which tells a whole stream from a broken one.

The usual readers hide one of the two: zstandard's takes a frame that was cut off for a short one, and either lets a
few kilobytes grow to gigabytes at once.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import zstandard

from taskscope.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GZIP = "gzip"
ZSTD = "zstd"

_PIECE_BYTES = 1 << 18
# A block of zstd holds up to 128 KiB and may be 4 bytes long: so much of it can't give more than 32 MiB at once.
_ZSTD_INPUT_BYTES = 1 << 10
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def compression(head: bytes) -> str | None:
    """Tell the compression by the first bytes of a file, None for none that is known."""
    if head.startswith(b"\x1f\x8b"):
        return GZIP
    skippable = head[1:4] == b"\x2a\x4d\x18" and head[:1] and 0x50 <= head[0] <= 0x5F
    return ZSTD if head.startswith(_ZSTD_MAGIC) or skippable else None


def decompress(chunks: Iterable[bytes], kind: str) -> Iterator[bytes]:
    """Decompress a stream piece by piece.

    Raises
    ------
    InputError
        It is broken, cut off, or followed by something else.
    """
    try:
        yield from _gunzip(chunks) if kind == GZIP else _unzstd(chunks)
    except (zlib.error, zstandard.ZstdError) as error:
        remedy = "compress it again, or send it plain"
        raise InputError(f"the {kind} stream is broken: {error}", remedy=remedy) from error


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    decoder = None
    for chunk in chunks:
        rest = chunk
        while rest:
            if decoder is None:
                rest = rest.lstrip(b"\0")  # members may be padded with zeros
                if not rest:
                    break
                decoder = zlib.decompressobj(wbits=31)
            piece = decoder.decompress(rest, _PIECE_BYTES)
            if piece:
                yield piece
            rest = decoder.unconsumed_tail
            if decoder.eof:
                rest, decoder = decoder.unused_data, None
    while decoder is not None and (piece := decoder.decompress(b"", _PIECE_BYTES)):
        yield piece
    if decoder is not None and not decoder.eof:
        raise _cut_off(GZIP)


def _unzstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    decoder = None
    for chunk in chunks:
        for position in range(0, len(chunk), _ZSTD_INPUT_BYTES):
            rest = chunk[position : position + _ZSTD_INPUT_BYTES]
            while rest:
                if decoder is None:
                    decoder = zstandard.ZstdDecompressor().decompressobj()
                piece = decoder.decompress(rest)
                if piece:
                    yield piece
                rest = b""
                if decoder.eof:
                    rest, decoder = decoder.unused_data, None
    if decoder is not None:
        raise _cut_off(ZSTD)


def _cut_off(kind: str) -> InputError:
    return InputError(f"the {kind} stream is cut off before its end", remedy="copy or send it again, whole")
