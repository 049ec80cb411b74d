from hypothesis import given
from hypothesis import strategies as st

from taskscope.sdk.framing import HEADER_BYTES, frame, unframe

payloads = st.lists(st.binary(min_size=1, max_size=60), max_size=12)


@given(payloads)
def test_what_is_framed_is_read_back(given_payloads: list[bytes]) -> None:
    stream = b"".join(map(frame, given_payloads))
    assert unframe(stream, limit=100) == (given_payloads, len(stream), False)


@given(payloads, st.data())
def test_a_cut_anywhere_leaves_exactly_the_whole_records_before_it(
    given_payloads: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(map(frame, given_payloads))
    cut = data.draw(st.integers(0, len(stream)))
    records, used, broken = unframe(stream[:cut], limit=100)
    assert records == given_payloads[: len(records)]
    assert used == sum(len(frame(one)) for one in records) <= cut
    assert not broken
    if len(records) < len(given_payloads):
        assert used + len(frame(given_payloads[len(records)])) > cut


@given(payloads.filter(bool), st.data())
def test_a_damaged_byte_never_gives_another_record(given_payloads: list[bytes], data: st.DataObject) -> None:
    stream = bytearray(b"".join(map(frame, given_payloads)))
    at = data.draw(st.integers(0, len(stream) - 1))
    stream[at] ^= data.draw(st.integers(1, 255))
    records, used, _ = unframe(bytes(stream), limit=100)
    assert records == given_payloads[: len(records)]
    assert used <= at


@given(payloads, st.integers(1, 5))
def test_the_limit_stops_between_two_records(given_payloads: list[bytes], limit: int) -> None:
    records, used, broken = unframe(b"".join(map(frame, given_payloads)), limit=limit)
    assert records == given_payloads[:limit]
    assert used == sum(len(frame(one)) for one in records)
    assert not broken


def test_a_tail_of_zeros_is_broken_and_not_a_row_of_empty_records() -> None:
    assert unframe(frame(b"a") + bytes(3 * HEADER_BYTES), limit=100) == ([b"a"], len(frame(b"a")), True)
