import gzip
import os
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from taskscope.errors import InputError
from taskscope.server.decompress import GZIP, ZSTD, compression, decompress

SKIPPABLE = bytes.fromhex("502a4d1805000000") + b"aside"
COMPRESS: dict[str, Callable[[bytes], bytes]] = {GZIP: gzip.compress, ZSTD: zstandard.compress}


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[position : position + size] for position in range(0, len(data), size)]


@pytest.mark.parametrize("kind", [GZIP, ZSTD])
@given(parts=st.lists(st.binary(max_size=300), min_size=1, max_size=4), size=st.integers(1, 64))
def test_a_stream_of_several_parts_is_read_however_it_is_cut(kind: str, parts: list[bytes], size: int) -> None:
    stream = b"".join(COMPRESS[kind](part) for part in parts)
    assert b"".join(decompress(cut(stream, size), kind)) == b"".join(parts)


@pytest.mark.parametrize("kind", [GZIP, ZSTD])
def test_every_stream_that_is_cut_off_is_noticed(kind: str) -> None:
    stream = COMPRESS[kind](b"some text, some text, and more of it")
    for end in range(1, len(stream)):
        with pytest.raises(InputError, match="cut off"):
            list(decompress([stream[:end]], kind))


def test_a_changed_byte_is_noticed_where_there_is_a_checksum() -> None:
    text = os.urandom(200)
    for stream, kind in (
        (gzip.compress(text), GZIP),
        (zstandard.ZstdCompressor(write_checksum=True).compress(text), ZSTD),
    ):
        broken = bytearray(stream)
        broken[100] ^= 1
        with pytest.raises(InputError, match="broken"):
            list(decompress([bytes(broken)], kind))


@pytest.mark.parametrize("kind", [GZIP, ZSTD])
def test_a_bomb_is_given_in_pieces_of_bounded_size(kind: str) -> None:
    bomb = COMPRESS[kind](bytes(200 << 20))
    sizes = [len(piece) for piece in decompress([bomb], kind)]
    assert sum(sizes) == 200 << 20
    assert max(sizes) <= 33 << 20


def test_frames_to_be_skipped_are_skipped() -> None:
    stream = SKIPPABLE + zstandard.compress(b"text") + SKIPPABLE
    assert compression(stream) == ZSTD
    assert b"".join(decompress([stream], ZSTD)) == b"text"


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"", None), (b"{", None), (b"P*M\x18", ZSTD), (b"\x1f\x8b\x08", GZIP), (zlib.compress(b"x"), None)],
)
def test_the_compression_is_told_by_the_first_bytes(head: bytes, kind: str | None) -> None:
    assert compression(head) == kind
