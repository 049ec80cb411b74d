"""Bodies that no honest sender writes, and what must become of each; the same seed gives the same ones."""

from __future__ import annotations

import gzip
import json
import struct
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import zstandard

from tests.cli.facts import at

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = "/api/v1/events"
NDJSON, JSON = "application/x-ndjson", "application/json"
GOOD, AGAIN, BAD, BROKEN = "good", "again", "bad", "broken"
"""What an event is: to be kept, a repetition, to be refused by name, or no JSON (which may spoil a whole array)."""

KEPT, MALFORMED, TOO_LARGE, UNSUPPORTED = 200, 400, 413, 415


class Body(NamedTuple):
    """What is sent, and what must become of it.

    Attributes
    ----------
    about
        What is ugly about it.
    content, headers
        What is sent.
    statuses
        What may be answered.
    good
        The tasks of the events that are kept where the answer is 200.
    repeated
        How many events repeat one of them.
    bad
        The places of the events that are refused where the answer is 200; None where nobody can count them.
    bare
        Whether it is no proper HTTP: `content` is then all that is sent, and no answer is an answer.
    """

    about: str
    content: bytes
    headers: dict[str, str]
    statuses: frozenset[int]
    good: tuple[str, ...] = ()
    repeated: int = 0
    bad: frozenset[int] | None = frozenset()
    bare: bool = False


class _Event(NamedTuple):
    text: bytes
    kind: str
    task: str = ""


_DEEP = 100_000
_HUGE = str(1 << 70)
_NAMES = ("id", "service", "run", "job", "queue", "endpoint", "worker", "boot")
_NO_NAME = ['""', "7", "1.5", "true", "[]", "{}", json.dumps("x" * 201), r'"a\u0000b"', r'"\u0000"']
_NO_DATA = [
    *(
        "[]",
        '"x"',
        "7",
        "true",
        '{"n": ' + _HUGE + "}",
        '{"n": [{"n": -' + _HUGE + "}]}",
        json.dumps({"n": "x" * 70_000}),
    ),
    *('{"a": ' * 33 + "1" + "}" * 33, '{"a": ' + "[" * 40 + "]" * 40 + "}"),
    *('{"progress": 2}', '{"progress": "half"}', '{"outputs": -1}', '{"outputs": 1.5}', '{"outputs": 1e300}'),
    *('{"error": 7}', '{"error": {"type": []}}', '{"eta": "soon"}', '{"eta": -1}', '{"timeout_ms": -1}'),
    *('{"timeout_ms": 1e300}', '{"parent": {}}', '{"parent": "p"}', '{"imported": 1}', '{"wait_known": "no"}'),
    *('{"idempotency_key": []}', '{"error": {"message": {}}}'),
]
WRONG = {
    **dict.fromkeys(_NAMES, _NO_NAME),
    "type": ["null", '""', '"task"', '"TASK.STARTED"', '"worker.online"', '"spool.gap"', "7", "[]", "{}", "true"],
    "time": [
        *("null", "true", "[]", "{}", '""', '"yesterday"', '"2026-01-08"', '"2026-01-08T09:00:00"'),
        *('"2026-01-08T09:00:60Z"', '"2026-13-08T09:00:00Z"', '"2026-01-08T09:00:00+99:00"'),
        *("-1", "-1e300", "1e300", "1e18", _HUGE, f"-{_HUGE}", "253402300799999", "99999999999999999999"),
        *('"9999-12-31T23:59:59.999999Z"', '"2999-01-01T00:00:00Z"', '"10000-01-01T00:00:00Z"'),
        *('"1969-12-31T23:59:59Z"', '"0001-01-01T00:00:00Z"', '"0001-01-01T00:00:00+23:59"'),
        *('"9999-12-31T23:59:59-23:59"', '"1"', '"1767862800000"'),
    ],
    "task": ["null", '""', "1.5", "true", "[]", "{}", _HUGE, json.dumps("x" * 501), r'"\u0000"', "1e3"],
    "attempt": ["0", "-1", "2147483649", "1.5", '"1"', "true", "[]", "{}", "1e300", _HUGE, f"-{_HUGE}"],
    "duration_ms": ["-1", "-0.001", '"1"', "true", "[]", "{}", "1e300", "3162240000001", _HUGE],
    "data": _NO_DATA,
}
"""Values, as JSON, that a field of a submission can't hold."""

_NO_JSON = [
    *(b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e999", b"01", b"+1", b".5", b"0x10", b"1_000", b"undefined"),
    *(rb'"\ud800"', rb'"\udc00\ud800"', rb'"\uD83D"', rb'"\x41"', b'"\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"'),
    *(b'"\xf5\x80\x80\x80"', b'"a\x00b"', b'"a\x07b"', b"'x'", b'"open', b"{", b"[1,]", b'{"a":}', b'{"a" 1}'),
    *(b"[" * _DEEP, b'{"a":' * _DEEP, b"[" * _DEEP + b"]" * _DEEP),
]
"""Texts that are no JSON value, or one that nobody can hold."""

_NO_OBJECT = [b"1", b'"x"', b"null", b"true", b"[]", b"[{}]", b"-0.0", b'"' + b"x" * 1000 + b'"', b"{}"]
_TYPES = ("task.submitted", "task.started", "task.progress", "task.succeeded", "task.failed")
_ODD_NAMES = ("", " ", "任务", "🦉", "a\nb", 'q"uote', "\\", "%2F/../", "\x7f", "\u2028", "e\u0301", "x" * 150, "'; --")


class Ugly:
    """Draws bodies.

    Parameters
    ----------
    seed
        The same one gives the same bodies.
    service
        Whose facts they hold; no two that share a server may share it.
    """

    def __init__(self, seed: int, service: str) -> None:
        self._draw = Random(seed)
        self._service = service
        self._count = 0

    def body(self) -> Body:
        """Draw the next one."""
        way = self._draw.random()
        if way < 0.75:
            return self._mixed()
        if way < 0.95:
            about, made = self._draw.choice(_WHOLE)
            return made(self)._replace(about=about)
        return self._draw.choice((_longer, _shorter, _no_length, _no_chunk))(self)

    # --- events ---

    def good(self) -> _Event:
        """Make an event that is to be kept, however odd it looks."""
        draw = self._draw
        self._count += 1
        task = f"{self._count}{draw.choice(_ODD_NAMES)}" if draw.random() < 0.3 else str(self._count)
        fields = {
            "type": draw.choice(_TYPES),
            "service": self._service,
            "task": task,
            "time": draw.choice([at(self._count), at(self._count) + 0.25, "2026-01-08T17:00:00.123456789+08:00"]),
        }
        if draw.random() < 0.5:
            fields["id"] = f"{self._service}-{self._count}"
        if draw.random() < 0.3:
            fields |= {"boot": None, "unknown": [[{}]], "Task": 7, "data": {"n": draw.choice([1, "\0", (1 << 64) - 1])}}
        text = json.dumps(fields, ensure_ascii=draw.random() < 0.5)
        if draw.random() < 0.1:  # the last of the same name counts, as it does for most readers
            text = text.replace("{", '{"task": "first", "time": 0, ', 1)
        return _Event(text.encode(), GOOD, task)

    def _bad(self) -> _Event:
        draw = self._draw
        way = draw.random()
        if way < 0.1:
            return _Event(draw.choice(_NO_OBJECT), BAD)
        if way < 0.75:
            field = draw.choice(list(WRONG))
            return _Event(self._submission(field, draw.choice(WRONG[field]).encode()), BAD)
        if way < 0.9:
            return _Event(self._submission(draw.choice(["time", "job", "data"]), draw.choice(_NO_JSON)), BROKEN)
        whole = self._submission("job", b'"j"')
        torn = [
            whole[:-1],
            whole + b"}",
            whole + whole,
            b"\xef\xbb\xbf\xef\xbb\xbf" + whole,
            b"\0" + whole,
            b"," + whole,
        ]
        return _Event(draw.choice(torn), BROKEN)

    def _submission(self, field: str, value: bytes) -> bytes:
        fields = {"type": "task.submitted", "service": self._service, "task": "bad", "time": at(0)}
        parts = [b'"%s": %s' % (key.encode(), json.dumps(one).encode()) for key, one in fields.items() if key != field]
        return b"{" + b", ".join([*parts, b'"%s": %s' % (field.encode(), value)]) + b"}"

    def _same_id(self) -> list[_Event]:
        """Give an event, and another one under its id."""
        one = self.good()
        fields = {**json.loads(one.text), "id": f"{self._service}-{self._count}"}
        other = {**fields, "task": "bad"}
        return [_Event(json.dumps(fields).encode(), GOOD, one.task), _Event(json.dumps(other).encode(), BAD)]

    def _events(self) -> list[_Event]:
        draw = self._draw
        events = [self.good() if draw.random() < 0.6 else self._bad() for _ in range(draw.choice([1, 2, 5, 20]))]
        draw.shuffle(events)
        if draw.random() < 0.2:
            events += self._same_id()
        if draw.random() < 0.2:
            events += [one._replace(kind=AGAIN) for one in events if one.kind == GOOD]
        return events

    # --- bodies of good and bad events ---

    def _mixed(self) -> Body:
        events = self._events()
        lines = self._draw.random() < 0.6
        content = self._lines(events) if lines else self._array(events)
        broken = any(one.kind == BROKEN for one in events)
        statuses = {KEPT}
        if not lines and broken:
            statuses.add(MALFORMED)
        if lines and content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):  # taken for an array that is mislabelled
            statuses.add(MALFORMED)
        bad = frozenset(place for place, one in enumerate(events) if one.kind in (BAD, BROKEN))
        good = tuple(one.task for one in events if one.kind == GOOD)
        kind, encoding, content = self._packed(NDJSON if lines else JSON, content)
        headers = {"Content-Type": kind, **encoding}
        repeated = sum(one.kind == AGAIN for one in events)
        return Body("good and bad ones", content, headers, frozenset(statuses), good, repeated, bad)

    def _lines(self, events: list[_Event]) -> bytes:
        end = self._draw.choice([b"\n", b"\r\n", b" \t\n", b"\n\n \r\n"])
        text = end.join(one.text for one in events) + self._draw.choice([b"", end])
        return self._draw.choice([b"", b"", b"\xef\xbb\xbf", b"\r\n"]) + text

    def _array(self, events: list[_Event]) -> bytes:
        if len(events) == 1 and events[0].text[:1] == b"{" and self._draw.random() < 0.5:
            return events[0].text
        comma = self._draw.choice([b",", b" ,\r\n", b",\t"])
        return self._draw.choice([b"", b"\xef\xbb\xbf", b" \n"]) + b"[" + comma.join(one.text for one in events) + b"]"

    def _packed(self, kind: str, content: bytes) -> tuple[str, dict[str, str], bytes]:
        kind = self._draw.choice([kind, kind.title(), f"{kind}; charset=utf-8", f"{kind} ;q=1"])
        name, pack = self._draw.choice(list(_PACKERS.items()))
        return kind, {"Content-Encoding": name} if name else {}, pack(content)

    def lines(self, number: int = 3) -> bytes:
        """Make good lines for a body that must be refused as a whole."""
        return b"".join(self.good().text + b"\n" for _ in range(number))

    def cut(self, content: bytes) -> bytes:
        """Take something from the end."""
        return content[: -self._draw.randint(1, len(content) - 1)]


def _zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


def _halves(pack: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda content: pack(content[: len(content) // 2]) + pack(content[len(content) // 2 :])


_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": _halves(gzip.compress),
    "GZip": gzip.compress,
    "x-gzip": gzip.compress,
    "zstd": _halves(_zstd),
    "ZSTD": lambda content: b"\x50\x2a\x4d\x18\x04\0\0\0skip" + _zstd(content),
}


# --- bodies that are refused as a whole, or hold nothing ---


def _refused(
    *statuses: int, kind: str = NDJSON, encoding: str = "", content: Callable[[Ugly], bytes]
) -> Callable[[Ugly], Body]:
    headers = {**({"Content-Type": kind} if kind else {}), **({"Content-Encoding": encoding} if encoding else {})}
    return lambda ugly: Body("", content(ugly), headers, frozenset(statuses), bad=None)


def _bombed(pack: Callable[[bytes], bytes], filling: bytes) -> Callable[[Ugly], bytes]:
    """Make a small body that becomes 64 MiB: good events, then filling."""
    bomb = pack(filling * ((64 << 20) // len(filling)))
    return lambda ugly: pack(ugly.lines()) + bomb


def _flipped(content: bytes, place: int) -> bytes:
    made = bytearray(content)
    made[place] ^= 0x55
    return bytes(made)


_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BLOCK = b"\x01\x00\x00"  # empty, the last
_WHOLE: list[tuple[str, Callable[[Ugly], Body]]] = [
    ("a gzip bomb of blanks", _refused(TOO_LARGE, encoding="gzip", content=_bombed(gzip.compress, b" "))),
    ("a gzip bomb of lines", _refused(TOO_LARGE, encoding="gzip", content=_bombed(gzip.compress, b"\n"))),
    ("a zstd bomb of brackets", _refused(TOO_LARGE, encoding="zstd", content=_bombed(_zstd, b"["))),
    ("a zstd bomb of events", _refused(TOO_LARGE, encoding="zstd", content=_bombed(_zstd, b"{}\n"))),
    ("gzip in gzip", _refused(KEPT, encoding="gzip", content=lambda u: gzip.compress(gzip.compress(u.lines())))),
    ("gzip cut off", _refused(MALFORMED, encoding="gzip", content=lambda u: u.cut(gzip.compress(u.lines())))),
    ("zstd cut off", _refused(MALFORMED, encoding="zstd", content=lambda u: u.cut(_zstd(u.lines())))),
    ("gzip damaged", _refused(MALFORMED, encoding="gzip", content=lambda u: _flipped(gzip.compress(u.lines()), -6))),
    ("zstd damaged", _refused(MALFORMED, encoding="zstd", content=lambda u: _flipped(_zstd(u.lines()), -1))),
    ("gzip and a rest", _refused(MALFORMED, encoding="gzip", content=lambda u: gzip.compress(u.lines()) + b"rest")),
    ("zstd and a rest", _refused(MALFORMED, encoding="zstd", content=lambda u: _zstd(u.lines()) + b"rest")),
    ("no gzip", _refused(MALFORMED, encoding="gzip", content=Ugly.lines)),
    ("no zstd", _refused(MALFORMED, encoding="zstd", content=lambda u: gzip.compress(u.lines()))),
    ("gzip unnamed", _refused(KEPT, MALFORMED, content=lambda u: gzip.compress(u.lines()))),
    (
        "zstd with a window of 2 TiB",
        _refused(MALFORMED, encoding="zstd", content=lambda _: _ZSTD_MAGIC + b"\x00\xf8" + _BLOCK),
    ),
    (
        "zstd that promises 2^62 bytes",
        _refused(
            *(MALFORMED, TOO_LARGE),
            encoding="zstd",
            content=lambda _: _ZSTD_MAGIC + b"\xe0" + struct.pack("<Q", 1 << 62) + _BLOCK,
        ),
    ),
    (
        "zstd with a dictionary that nobody has",
        _refused(MALFORMED, encoding="zstd", content=lambda _: _ZSTD_MAGIC + b"\x03\x00" + b"\x07" * 4 + _BLOCK),
    ),
    ("no content type", _refused(UNSUPPORTED, kind="", content=Ugly.lines)),
    ("text/plain", _refused(UNSUPPORTED, kind="text/plain", content=Ugly.lines)),
    ("a form", _refused(UNSUPPORTED, kind="multipart/form-data; boundary=x", content=Ugly.lines)),
    ("a type of NUL and quotes", _refused(UNSUPPORTED, kind='";;"=, application/json', content=Ugly.lines)),
    ("brotli", _refused(UNSUPPORTED, encoding="br", content=Ugly.lines)),
    ("two encodings", _refused(UNSUPPORTED, encoding="gzip, gzip", content=lambda u: gzip.compress(u.lines()))),
    ("lines as an array", _refused(MALFORMED, kind=JSON, content=Ugly.lines)),
    ("an array as lines", _refused(MALFORMED, content=lambda u: b"[" + u.good().text + b"]")),
    ("an array cut off", _refused(MALFORMED, kind=JSON, content=lambda u: u.cut(b"[" + u.good().text + b"]"))),
    ("an array and a rest", _refused(MALFORMED, kind=JSON, content=lambda u: b"[" + u.good().text + b"]]")),
    ("nothing", _refused(MALFORMED, kind=JSON, content=lambda _: b"")),
    ("no lines", _refused(KEPT, content=lambda _: b"")),
    ("blanks", _refused(MALFORMED, kind=JSON, content=lambda _: b" \r\n\t" * 100_000)),
    ("blank lines", _refused(KEPT, content=lambda _: b" \r\n\t" * 100_000)),
    ("NUL", _refused(KEPT, content=lambda _: b"\0" * 100_000)),
    ("NUL as an array", _refused(MALFORMED, kind=JSON, content=lambda _: b"\0" * 100_000)),
    ("a number", _refused(MALFORMED, kind=JSON, content=lambda _: b"7")),
    ("a text", _refused(MALFORMED, kind=JSON, content=lambda _: b'"' + b"x" * 100_000 + b'"')),
    ("null", _refused(MALFORMED, kind=JSON, content=lambda _: b"null")),
    ("brackets", _refused(MALFORMED, kind=JSON, content=lambda _: b"[" * _DEEP)),
    ("brackets that close", _refused(MALFORMED, kind=JSON, content=lambda _: b"[" * _DEEP + b"]" * _DEEP)),
    ("braces", _refused(MALFORMED, kind=JSON, content=lambda _: b'{"a":' * _DEEP)),
    ("brackets in lines", _refused(MALFORMED, content=lambda _: b"[" * _DEEP)),
    ("UTF-16", _refused(KEPT, MALFORMED, content=lambda u: u.lines().decode().encode("utf-16"))),
    ("UTF-32 as an array", _refused(MALFORMED, kind=JSON, content=lambda u: u.lines().decode().encode("utf-32"))),
    ("10,001 events", _refused(TOO_LARGE, content=lambda u: u.lines(1) + b"{}\n" * 10_000)),
    ("an array of 10,001", _refused(TOO_LARGE, kind=JSON, content=lambda _: b"[" + b"1," * 10_000 + b"1]")),
    ("10,000 of nothing", _refused(KEPT, kind=JSON, content=lambda _: b"[" + b"[]," * 9_999 + b"[]]")),
    ("a line of 15 MiB", _refused(KEPT, content=lambda _: b'{"type":"' + b"x" * (15 << 20) + b'"}')),
    ("a number of 1 MiB", _refused(KEPT, content=lambda _: b'{"time":' + b"9" * (1 << 20) + b"}")),
    ("a million keys", _refused(KEPT, content=lambda _: b'{"data":{' + b'"a":1,' * 1_000_000 + b'"b":2}}')),
]


# --- what is no proper HTTP ---


def _bare(about: str, length: bytes, content: bytes, *statuses: int, good: tuple[str, ...] = ()) -> Body:
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %s\r\n%s\r\n\r\n"
    bad = frozenset([len(good)]) if good else None
    sent = head % (EVENTS.encode(), NDJSON.encode(), length) + content
    return Body(about, sent, {}, frozenset(statuses), good, bad=bad, bare=True)


def _longer(ugly: Ugly) -> Body:
    content = ugly.lines()
    return _bare("less than its length says", b"Content-Length: %d" % (len(content) + 9), content, MALFORMED)


def _shorter(ugly: Ugly) -> Body:
    whole, torn = [ugly.good() for _ in range(3)], ugly.good()
    content = b"".join(one.text + b"\n" for one in whole)
    length = b"Content-Length: %d" % (len(content) + len(torn.text) - 1)
    tasks = tuple(one.task for one in whole)
    return _bare("more than its length says", length, content + torn.text, KEPT, MALFORMED, good=tasks)


def _no_length(ugly: Ugly) -> Body:
    said = [b"-1", b"many", b"1e3", b"5, 6", b"5\r\nContent-Length: 6", b"99999999999999999999999", b""]
    return _bare("no length", b"Content-Length: " + ugly._draw.choice(said), ugly.lines(), MALFORMED, TOO_LARGE)


def _no_chunk(ugly: Ugly) -> Body:
    said = [b"x\r\n", b"-5\r\nabcde\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n", b"5\r\nabc", b"3\r\nabcdef\r\n0\r\n\r\n"]
    return _bare("no chunks", b"Transfer-Encoding: chunked", ugly._draw.choice(said), MALFORMED)
