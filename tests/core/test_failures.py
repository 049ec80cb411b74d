"""Failures of one kind have one fingerprint, whatever varies in their messages."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskscope.core.failures import FAILURES, fingerprint, normalised

WORDS = st.lists(st.sampled_from(["can't", "open", "file", "the", "row", "of", "GiB", "Ärger", "no"]), max_size=6)
VARYING = st.one_of(
    st.integers(0, 10**12).map(str),
    st.floats(0, 1e6, allow_nan=False).map(lambda number: f"{number:.3f}"),
    st.uuids().map(str),
    st.uuids().map(lambda one: one.hex),
    st.integers(0, 2**60).map(hex),
    st.text(st.characters(exclude_characters="\"'\n"), max_size=8).map(lambda text: f"'{text}'"),
    st.text(st.characters(exclude_characters='"\n'), max_size=8).map(lambda text: f'"{text}"'),
)


def message(words: list[str], varying: list[str]) -> str:
    """Put a value behind each word."""
    return " ".join(f"{word} {value}" for word, value in zip(words, varying, strict=False))


@given(WORDS, st.lists(VARYING, min_size=6, max_size=6), st.lists(VARYING, min_size=6, max_size=6))
def test_values_do_not_count_and_words_do(words: list[str], one: list[str], other: list[str]) -> None:
    first = fingerprint("failed", ("E", message(words, one)), None)
    assert first == fingerprint("failed", ("E", message(words, other)), None)
    assert first != fingerprint("failed", ("E", message([*words[:-1], "else"], one)), None) or not words
    assert first != fingerprint("failed", ("F", message(words, one)), None) or not words


@given(st.text(max_size=300))
def test_what_is_normalised_stays_so(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("row 17 of 'orders 2026'", "row # of #"),
        ("can't open 'x', won't retry", "can't open #, won't retry"),
        ("at 10:31:07.250 used 1,204.5 MiB", "at # used # MiB"),
        (f"task {uuid.UUID(int=7)} is gone", "task # is gone"),
        ("<Object at 0x7f3aDEADbeef>", "<Object at #>"),
        ("commit 1a2b3c4d5e6f and feedface", "commit # and feedface"),
        ('key "a" of `b`', "key # of #"),
        ("no value at all", "no value at all"),
        ("an open ' quote", "an open ' quote"),
    ],
)
def test_messages_are_normalised(text: str, shown: str) -> None:
    assert normalised(text) == shown


@pytest.mark.parametrize("outcome", [None, "succeeded", "cancelled"])
def test_what_did_not_fail_has_none(outcome: str | None) -> None:
    assert fingerprint(outcome, ("E", "m"), "given") is None


@pytest.mark.parametrize("outcome", FAILURES)
def test_what_the_sender_gives_goes_first_and_the_outcome_stands_in_last(outcome: str) -> None:
    assert fingerprint(outcome, ("E", "m"), "given") == "given"
    long = fingerprint(outcome, None, "x" * 65)
    assert long is not None
    assert len(long) == 16
    errors: list[Any] = [None, ("", "")]
    for error in errors:
        assert fingerprint(outcome, error, None) == outcome
        assert fingerprint(outcome, error, "") == outcome
    assert fingerprint(outcome, ("", "m"), None) == fingerprint("failed", ("", "m"), None)


def test_a_fingerprint_is_the_same_for_ever() -> None:
    assert fingerprint("failed", ("ValueError", "bad row 17"), None) == fingerprint(
        "failed", ("ValueError", "bad row 3"), None
    )
    assert fingerprint("failed", ("ValueError", "bad row 17"), None) == "bf4bf3c3325c680d"


def test_a_hostile_message_becomes_no_longer() -> None:
    for hostile in (
        "'" * 2000,
        " 'a" * 700,
        '"' * 1999,
        "0x" * 1000,
        "1." * 1000,
        "a1" * 1000,
        "-".join(["12345678"] * 220),
    ):
        assert len(normalised(hostile)) <= len(hostile)
