"""Recording beside its peers: what a call costs, what a process grows by, what an import takes, what a kill loses."""

from __future__ import annotations

import importlib.metadata
from typing import Any

from benchmarks import costs, imports, kills, memory

PEERS = ("prometheus_client", "opentelemetry-sdk")


def measure(records: int) -> dict[str, Any]:
    """Measure everything about recording.

    Parameters
    ----------
    records
        Calls of each subject, where calls are timed and where memory is watched.
    """
    return {
        "peers": {peer: _version(peer) for peer in PEERS},
        "cost": costs.measure(records),
        "memory": memory.measure(records),
        "import": imports.measure(),
        "sigkill": kills.measure(),
    }


def _version(peer: str) -> str:
    try:
        return importlib.metadata.version(peer)
    except importlib.metadata.PackageNotFoundError:
        return "not installed: `make bench` installs it, and so does pip install --editable '.[bench]'"
