"""A process that writes facts into a store in small batches and says after each that it is done: made to be killed."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from taskscope import ingest
from taskscope.core.clock import DAY
from taskscope.core.normalise import decode_event
from taskscope.store.sqlite import SqliteStore
from taskscope.testing import START


def main(path: str, lines: str, seed: str) -> None:
    """Write all facts of a file, shuffled, a tenth of them twice, sweeping now and then."""
    chance = random.Random(seed)
    facts = [decode_event(line) for line in Path(lines).read_bytes().splitlines()]
    facts += chance.sample(facts, len(facts) // 10)
    chance.shuffle(facts)
    store = SqliteStore(Path(path))
    for position in range(0, len(facts), 50):
        ingest.accept(store, facts[position : position + 50], START + DAY)
        if chance.random() < 0.3:
            ingest.sweep(store, START + chance.randrange(0, 4000) * 1_000_000)
        sys.stdout.write("batch\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
