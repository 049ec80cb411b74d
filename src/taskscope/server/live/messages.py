"""What is said on the stream: one JSON object a message, in both directions."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

import msgspec

from taskscope.core.clock import to_text
from taskscope.errors import UsageError
from taskscope.ports import Position

HEARTBEAT_S = 15.0
LIMIT_BYTES = 64 << 10
"""How long a message of a follower may be."""

_CURSOR = re.compile(r"(\d{1,18})-([0-9a-f]{1,16})")
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Close(NamedTuple):
    """Why a connection ends: a code of RFC 6455, or one of ours from 4000 on, and the reason in words."""

    code: int
    reason: str


SLOW = Close(4408, "too slow: messages came faster than you read them; connect again with your last cursor")
TOO_MANY = Close(1008, "too many messages at once; subscribe once and listen")
NO_ROOM = Close(1013, "too many are listening; try again later")
TROUBLE = Close(1011, "the store does not answer; connect again with your last cursor")
ENDING = Close(1012, "the server ends; connect again with your last cursor")


class Subscribe(msgspec.Struct, tag_field="op", tag="subscribe", forbid_unknown_fields=True):
    """Follow a topic. The name is the follower's own, and stands in every message about it."""

    id: _Name
    topic: str
    filter: dict[str, list[str]] = {}
    cursor: str | None = None


class Unsubscribe(msgspec.Struct, tag_field="op", tag="unsubscribe", forbid_unknown_fields=True):
    """Follow no longer."""

    id: _Name


class Ping(msgspec.Struct, tag_field="op", tag="ping", forbid_unknown_fields=True):
    """Ask for a sign of life."""


Asked = Subscribe | Unsubscribe | Ping
_decoder = msgspec.json.Decoder(Asked)


def read(text: str) -> Asked:
    """Read a message of a follower.

    Raises
    ------
    UsageError
        It is none.
    """
    try:
        found: Asked = _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        remedy = 'send {"op": "subscribe", "id": "a", "topic": "runs"}, or the op unsubscribe or ping'
        raise UsageError(f"this is no message: {error}; {remedy}") from error
    return found


def id_of(text: str) -> str | None:
    """Give the id of a message that is wrong otherwise, so that its answer can name it."""
    try:
        return msgspec.json.decode(text, type=_Identified).id
    except (msgspec.DecodeError, RecursionError):
        return None


class _Identified(msgspec.Struct):
    id: _Name


def write_cursor(position: Position) -> str:
    """Write a position as followers keep it."""
    return f"{position.number}-{position.token:x}"


def read_cursor(text: str) -> Position | None:
    """Read a cursor; None for what is none."""
    found = _CURSOR.fullmatch(text)
    return Position(int(found[1]), int(found[2], 16)) if found else None


def body(topic: str, cursor: str, data: dict[str, Any]) -> bytes:
    """Write what a message says to all who follow the same: encoded once, however many they are."""
    return msgspec.json.encode({"topic": topic, "cursor": cursor, "data": data})[1:]


def message(kind: str, name: str, said: bytes, reason: str = "") -> bytes:
    """Put what is said into the message of one follower."""
    head = {"type": kind, "id": name} | ({"reason": reason} if reason else {})
    return msgspec.json.encode(head)[:-1] + b"," + said


def hello(topics: list[str]) -> bytes:
    """Greet: what can be followed, and how often a sign of life comes."""
    return msgspec.json.encode({"type": "hello", "version": 1, "topics": topics, "heartbeat_s": HEARTBEAT_S})


def heartbeat(cursor: str, now: int) -> bytes:
    """Say that everything up to a cursor has been told."""
    return msgspec.json.encode({"type": "heartbeat", "cursor": cursor, "time": to_text(now)})


def pong() -> bytes:
    """Answer a ping."""
    return msgspec.json.encode({"type": "pong"})


def error(name: str | None, detail: str) -> bytes:
    """Say what was wrong with a message, and what to send instead."""
    return msgspec.json.encode({"type": "error", "id": name, "detail": detail})
