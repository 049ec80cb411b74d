"""A process that writes facts into a store in small batches and says after each that it is done: made to be killed."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from taskscope import ingest
from taskscope.core.clock import DAY
from taskscope.core.normalise import decode_event
from taskscope.store.postgres import PostgresStore
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import START

if TYPE_CHECKING:
    from taskscope.ports import Store


def main(place: str, lines: str, seed: str, size: str = "50", share: str = "1") -> None:
    """Write a share of the facts of a file, shuffled, a tenth of them twice, sweeping now and then."""
    chance = random.Random(seed)
    facts = [decode_event(line) for line in Path(lines).read_bytes().splitlines()]
    facts = chance.sample(facts, int(len(facts) * float(share)))
    facts += chance.sample(facts, len(facts) // 10)
    chance.shuffle(facts)
    store: Store = PostgresStore(place) if place.startswith("postgresql:") else SqliteStore(Path(place))
    for position in range(0, len(facts), int(size)):
        ingest.accept(store, facts[position : position + int(size)], START + DAY)
        if chance.random() < 0.3:
            ingest.sweep(store, START + chance.randrange(0, 4000) * 1_000_000)
        sys.stdout.write("batch\n")
        sys.stdout.flush()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
