"""The bytes of a spool segment: records, one behind the other, nothing else.

    4 bytes  length of the payload, little endian, at least 1
    4 bytes  CRC-32 of the payload, little endian
    n bytes  the payload: one event as JSON

A record is whole or it is nothing. A length of 0 is never valid: a power cut can leave a tail of zeros, and the
checksum of no bytes is 0 too. The name of a segment carries its format: what follows another one gets another suffix.
"""

import struct
import zlib

SEGMENT_SUFFIX = ".seg"
EXTRA_SUFFIX = ".extra.seg"
"""The segments of facts that may be dropped first; to whoever reads them they are segments like others."""
OFFSET_SUFFIX = ".offset"
PAYLOAD_LIMIT_BYTES = 1 << 20
_HEADER = struct.Struct("<II")
HEADER_BYTES = _HEADER.size
pack_header = _HEADER.pack


def frame(payload: bytes) -> bytes:
    """Give the record of a payload of 1 to `PAYLOAD_LIMIT_BYTES` bytes."""
    return pack_header(len(payload), zlib.crc32(payload)) + payload


def unframe(buffer: bytes, *, limit: int) -> tuple[list[bytes], int, bool]:
    """Read whole records from the start of a buffer.

    Returns
    -------
    records
        The payloads of the whole records at the start, `limit` at most.
    used
        How many bytes they take; the rest begins there.
    broken
        True when the bytes at `used` are no record, whatever may follow them. An unfinished record is not broken.
    """
    records: list[bytes] = []
    position = 0
    while len(records) < limit and position + HEADER_BYTES <= len(buffer):
        length, checksum = _HEADER.unpack_from(buffer, position)
        if not 0 < length <= PAYLOAD_LIMIT_BYTES:
            return records, position, True
        end = position + HEADER_BYTES + length
        if end > len(buffer):
            break
        payload = buffer[position + HEADER_BYTES : end]
        if zlib.crc32(payload) != checksum:
            return records, position, True
        records.append(payload)
        position = end
    return records, position, False
