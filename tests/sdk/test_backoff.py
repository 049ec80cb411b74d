from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskscope.sdk.backoff import CAP_S, RETRY_AFTER_CAP_S, delay_s, retry_after_s

NOW = datetime(2026, 1, 8, 9, 0, tzinfo=UTC)


@given(st.integers(0, 10**9), st.floats(0, 1, exclude_max=True), st.floats(0, 1e9))
def test_a_pause_is_never_shorter_than_asked_for_and_never_endless(failures: int, chance: float, asked: float) -> None:
    pause = delay_s(failures, chance, asked)
    assert min(asked, RETRY_AFTER_CAP_S) <= pause <= RETRY_AFTER_CAP_S + CAP_S


def test_the_jitter_is_full_and_its_ceiling_doubles_up_to_a_minute() -> None:
    assert [delay_s(failures, 1.0) for failures in range(1, 10)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert delay_s(5, 0.0) == 0
    assert delay_s(5, 0.25) == 4


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        (None, None, 0),
        ("", None, 0),
        ("120", None, 120),
        (" 1.5 ", None, 1.5),
        ("-5", None, 0),
        ("soon", None, 0),
        ("1e9999", None, 0),
        ("Thu, 08 Jan 2026 09:00:30 GMT", None, 30),
        ("Thu, 08 Jan 2026 08:00:00 GMT", None, 0),
        # The server's clock is an hour behind ours: it means its own.
        ("Thu, 08 Jan 2026 08:00:30 GMT", "Thu, 08 Jan 2026 08:00:00 GMT", 30),
        ("Thu, 08 Jan 2026 09:00:30 GMT", "no date", 30),
        ("Thu, 99 Jan 2026 09:00:30 GMT", None, 0),
        ("Thursday, 08-Jan-26 09:00:30 GMT", None, 30),
        ("Thu Jan  8 09:00:30 2026", None, 30),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(header: str | None, date: str | None, seconds: float) -> None:
    assert retry_after_s(header, date, NOW) == seconds
