"""Measurements beside a peer or a limit, in one run and at equal durability: `make bench` prints one JSON document."""
