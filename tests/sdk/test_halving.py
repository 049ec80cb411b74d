from hypothesis import given
from hypothesis import strategies as st

from taskscope.errors import BatchRefusedError
from taskscope.sdk.answers import Refusal
from taskscope.sdk.halving import deliver


class Judge:
    """A server that refuses batches with poison in them, and batches that are too large, as a whole."""

    def __init__(self, poison: set[bytes], named: set[bytes], limit: int) -> None:
        self._poison, self._named, self._limit = poison, named, limit
        self.taken: list[bytes] = []
        self.batches = 0

    def send(self, batch: list[bytes]) -> list[Refusal]:
        self.batches += 1
        if len(batch) > self._limit or self._poison & set(batch):
            raise BatchRefusedError("no")
        self.taken += [record for record in batch if record not in self._named]
        return [Refusal(index, "named") for index, record in enumerate(batch) if record in self._named]


numbers = st.sets(st.integers(0, 59))


@given(st.integers(0, 60), numbers, numbers, st.integers(1, 70))
def test_each_record_is_taken_or_refused_whatever_is_refused(
    count: int, poison: set[int], named: set[int], limit: int
) -> None:
    records = [b"%d" % number for number in range(count)]
    judge = Judge({b"%d" % n for n in poison}, {b"%d" % n for n in named - poison}, limit)
    refused = {record: error for error, record in deliver(records, judge.send)}
    assert judge.taken == [record for n, record in enumerate(records) if n not in poison | named]
    assert refused == {
        record: "no" if n in poison else "named" for n, record in enumerate(records) if n in poison | named
    }


def test_one_bad_record_costs_no_more_than_two_batches_for_each_halving() -> None:
    records = [b"%d" % number for number in range(4096)]
    judge = Judge({b"1234"}, set(), 10_000)
    assert deliver(records, judge.send) == [("no", b"1234")]
    assert judge.batches <= 2 + 2 * 12
