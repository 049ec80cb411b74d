"""Reading what somebody asks about; expectations are worked out by hand or by the standard library alone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from taskscope.core.clock import HOUR
from taskscope.errors import UsageError
from taskscope.ports import Filter
from taskscope.stats import asking

UTC_ZONE = ZoneInfo("UTC")
NOW = 1_767_862_800_000_000  # 2026-01-08 09:00 UTC


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("now", NOW),
        ("-6h", us("2026-01-08T03:00:00")),
        ("-30m", us("2026-01-08T08:30:00")),
        ("-2d", us("2026-01-06T09:00:00")),
        ("-1.5h", us("2026-01-08T07:30:00")),
        ("+20d", us("2026-01-28T09:00:00")),
        ("-250ms", NOW - 250_000),
        ("1767862800000", NOW),
        ("1767862800000.25", NOW + 250),
        ("2026-01-08T17:00:00+08:00", NOW),
        ("2026-01-08t09:00:00z", NOW),
        (" 2026-01-08T09:00:00Z ", NOW),
        ("2026-01-08", us("2026-01-08T00:00:00")),
    ],
)
def test_every_form_of_an_instant_is_read(text: str, instant: int) -> None:
    assert asking.time("--at", text, now=NOW, zone=UTC_ZONE) == instant


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        ("UTC", "2026-01-08", "2026-01-08T00:00:00", "2026-01-09T00:00:00"),
        ("Asia/Shanghai", "2026-01-08", "2026-01-07T16:00:00", "2026-01-08T16:00:00"),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),  # 23 hours
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00", "2026-10-25T23:00:00"),  # 25 hours
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00", "2018-11-05T02:00:00"),  # midnight was skipped
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00", "2026-11-02T05:00:00"),  # midnight comes twice
    ],
)
def test_a_date_is_a_whole_day_of_its_zone(zone: str, day: str, start: str, end: str) -> None:
    assert asking.window(day, day, now=NOW, zone=ZoneInfo(zone)) == (us(start), us(end))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "6h",
        "-6",
        "-6w",
        "--6h",
        "2026-13-01",
        "2026-1-8",
        "2026-01-08T09:00:00",
        "1e12",
        "nan",
        "-9999999d",
    ],
)
def test_what_is_no_instant_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(UsageError, match=r"--at .*; .*(RFC 3339|add Z)"):
        asking.time("--at", text, now=NOW, zone=UTC_ZONE)


def test_a_window_must_not_be_empty() -> None:
    with pytest.raises(UsageError, match="--from now is not before --to now"):
        asking.window("now", "now", now=NOW, zone=UTC_ZONE)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ((None, None), (NOW - HOUR, NOW)),
        ((NOW - 3 * HOUR, None), (NOW - 3 * HOUR, NOW)),
        ((None, NOW - HOUR), (NOW - 2 * HOUR, NOW - HOUR)),
        ((NOW + HOUR, None), (NOW + HOUR, NOW + 2 * HOUR)),
    ],
)
def test_an_open_window_is_closed_to_an_hour(asked: tuple[int | None, int | None], answered: tuple[int, int]) -> None:
    assert asking.last_hour(asked, NOW) == answered


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1m", 60_000_000),
        ("5s", 5_000_000),
        ("1h", HOUR),
        ("90s", 90_000_000),
        ("250ms", 250_000),
        ("1d", 24 * HOUR),
        ("0.5s", 500_000),
    ],
)
def test_a_length_of_time_has_a_unit(text: str, length: int) -> None:
    assert asking.step("--step", text) == length


@pytest.mark.parametrize("text", ["", "5", "-5s", "0s", "1w", "1 m", "5S", "٣s"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--step is no length of time"):
        asking.step("--step", text)


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ([], None),
        (["a"], ["a"]),
        (["a,b", "c"], ["a", "b", "c"]),
        (["a, b,"], ["a", "b"]),
        ([r"a\,b,c"], ["a,b", "c"]),
        ([r"a\\,b"], ["a\\", "b"]),
        ([r"C:\x"], [r"C:\x"]),
    ],
)
def test_names_are_separated_by_commas(texts: list[str], names: list[str] | None) -> None:
    assert asking.names("job", texts) == names


@pytest.mark.parametrize("text", ["", " ", ",", "a,,b", "\udc80"])
def test_an_empty_or_undecodable_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="job"):
        asking.names("job", [text])


def test_states_and_outcomes_are_known_words_in_any_case() -> None:
    assert asking.where(states=["failed,Pending"], outcomes=["LOST"]) == Filter(
        states=["FAILED", "PENDING"], outcomes=["lost"]
    )
