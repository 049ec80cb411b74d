"""What a line of an imported file is, and what becomes of it: the batches, the counts, and the refused lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskscope import ingest
from taskscope.core.explain import parse_json
from taskscope.core.instants import read_instant
from taskscope.core.normalise import convert_event, decode_event
from taskscope.core.refusal import shown
from taskscope.core.runsfile import convert_run
from taskscope.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskscope.ports import Store

BATCH_FACTS = 10_000
BATCH_BYTES = 16 << 20
REJECTED_LISTED = 10_000


class Intake:
    """Takes lines into a store, batch by batch, and remembers which were refused.

    Attributes
    ----------
    accepted, duplicates
        Events that are new, and that were known.
    runs
        Lines of runs that could be read.
    rejected
        The first refused lines, as the answer shows them.
    rejected_total
        How many were refused.
    """

    def __init__(self, store: Store, service: str | None, clock: Callable[[], int]) -> None:
        self._store = store
        self._service = service
        self._clock = clock
        self._facts: list[ingest.Fact] = []
        self._places: list[tuple[str, int]] = []
        self._bytes = 0
        self.accepted = 0
        self.duplicates = 0
        self.runs = 0
        self.rejected: list[dict[str, Any]] = []
        self.rejected_total = 0

    def take(self, file: str, number: int, line: bytes | None) -> None:
        """Take one line; None stands for one that is too long to be read."""
        if line is None:
            self.refuse(file, number, "the line is longer than 16 MiB; send one event or run a line")
            return
        try:
            facts = self._read(line)
        except InputError as error:
            self.refuse(file, number, str(error))
            return
        self._facts += facts
        self._places += [(file, number)] * len(facts)
        self._bytes += len(line)
        if len(self._facts) >= BATCH_FACTS or self._bytes >= BATCH_BYTES:
            self.flush()

    def refuse(self, file: str, number: int | None, error: str) -> None:
        """Remember a refused line, or with None a refused file."""
        self.rejected_total += 1
        if len(self.rejected) < REJECTED_LISTED:
            self.rejected.append({"file": file, "line": number, "error": error})

    def flush(self) -> None:
        """Hand over what has gathered."""
        facts, places = self._facts, self._places
        self._facts, self._places, self._bytes = [], [], 0
        if not facts:
            return
        receipt = ingest.accept(self._store, facts, self._clock())
        self.accepted += receipt.accepted
        self.duplicates += receipt.duplicates
        told: set[tuple[str, int]] = set()
        for index, reason in receipt.rejected:
            place = places[index]
            if place not in told:  # a run is up to three facts, and one line
                told.add(place)
                self.refuse(*place, reason)

    def _read(self, line: bytes) -> list[ingest.Fact]:
        # Most lines are events, and need no second look to tell.
        doubtful = b'"task_id"' in line or b'"type"' not in line or b"\\u" in line or line.startswith(b"[")
        return self._guess(line) if doubtful or self._service is not None else [decode_event(line)]

    def _guess(self, line: bytes) -> list[ingest.Fact]:
        value = parse_json(line)
        if isinstance(value, list):
            remedy = "send one object a line: jq -c '.[]' FILE makes such a file"
            raise InputError("a JSON array is no line of a file", value=shown(value), remedy=remedy)
        if not isinstance(value, dict) or not value.keys() & {"type", "task_id", "mark"}:
            message = "this is neither an event, which has a type, nor a run, which has a task_id"
            raise InputError(message, value=shown(value), remedy="send one event or run a line")
        if "type" in value:
            if self._service is not None and value.get("service") is None:
                value["service"] = self._service
            return [convert_event(value)]
        if "task_id" in value:
            facts = convert_run(value, self._service)
            self.runs += 1
            return facts
        mark = read_instant("mark", value["mark"])
        self.flush()
        ingest.sweep(self._store, mark)
        return []

    def answer(self) -> dict[str, Any]:
        """Give the answer of `taskscope import`."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "runs": self.runs,
            "rejected": self.rejected,
            "rejected_total": self.rejected_total,
        }
