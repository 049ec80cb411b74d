"""The work itself: it compresses, renders, hashes and parses, on one core and for real.

One unit of effort is about one millisecond of a present core.
"""

import hashlib
import json
import os
import random
import time
import zlib
from typing import Any, Protocol

from taskscope import Retry, TimedOut
from taskscope.demo.tray import Order

_RETRY_AFTER_MS = 150
_WIDTH = 64
_DEPTH = 40


class _Work(Protocol):
    def __call__(self, effort: int, *, damaged: bool) -> None: ...


class TooEarly(Retry):
    """Raised when the input of a task is not there yet.

    Parameters
    ----------
    due_ms
        When to try again, milliseconds since 1970.
    """

    def __init__(self, due_ms: int) -> None:
        super().__init__("its source is not complete yet", eta=due_ms / 1000)
        self.due_ms = due_ms


def perform(order: Order) -> None:
    """Do what was ordered.

    Raises
    ------
    TooEarly
        It asks for another attempt.
    TimedOut
        It saw that it is over its limit.
    Exception
        Whatever damaged input leads to.
    """
    work = _JOBS[order.job]
    if order.fate == "stuck":
        _hang()
    if order.fate == "endless":
        _work_until(time.monotonic() + order.limit_s, work, order.effort)
    if order.attempt <= order.too_early:
        work(order.effort, damaged=False)
        # A whole millisecond, so that no rounding comes between what the retry says and what is submitted then.
        due_ms = time.time_ns() // 1_000_000 + _RETRY_AFTER_MS * order.attempt
        raise TooEarly(due_ms)
    work(order.effort, damaged=order.fate == "corrupt")


def _compress(effort: int, *, damaged: bool) -> None:
    packer = zlib.compressobj(9)
    packed = bytearray(b"".join(packer.compress(_TEXT) for _ in range(effort)) + packer.flush())
    if damaged:
        packed[len(packed) // 2] ^= 0xFF
    zlib.decompress(packed)


def _render(effort: int, *, damaged: bool) -> None:
    """Draw the Mandelbrot set."""
    rows = effort * 10
    width = 0 if damaged else _WIDTH
    image = bytearray()
    for y in range(rows):
        for x in range(_WIDTH):
            c, z, depth = complex(3 * x / width - 2, 2 * y / rows - 1), 0j, 0
            while depth < _DEPTH and abs(z) < 2:
                z, depth = z * z + c, depth + 1
            image.append(depth)


def _hash(effort: int, *, damaged: bool) -> None:
    key = hashlib.pbkdf2_hmac("sha256", b"report", b"salt", 4700 * effort)
    if damaged:
        raise ValueError(f"the signature {key.hex()[:16]} is not that of the report")


def _parse(effort: int, *, damaged: bool) -> None:
    total = 0.0
    for _ in range(effort):
        rows: list[dict[str, Any]] = json.loads(_TABLE[: len(_TABLE) // 2] if damaged else _TABLE)
        total += sum(row["price"] for row in rows)


def _work_until(end_s: float, work: _Work, effort: int) -> None:
    while time.monotonic() < end_s:
        work(effort, damaged=False)
    raise TimedOut("its limit is over and it is not done")


def _hang() -> None:
    """Wait for an answer that never comes, but not beyond the end of whoever started this process."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.1)


def _text() -> bytes:
    chance = random.Random(1)  # noqa: S311 - something to compress
    words = [chance.randbytes(chance.randint(3, 9)).hex() for _ in range(500)]
    return " ".join(chance.choices(words, k=4500)).encode()


_TEXT = _text()
_TABLE = json.dumps([{"id": number, "name": f"article {number}", "price": number / 7} for number in range(650)])
_JOBS: dict[str, _Work] = {
    "compress": _compress,
    "render": _render,
    "hash": _hash,
    "parse": _parse,
}
