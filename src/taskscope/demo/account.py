"""The independent account: what the tasks write down themselves, without Taskscope, and how it is read.

Every process appends to a file of its own, one line a time, with one `write`: a process that is killed loses no line.
A clock can be read only just before and just after Taskscope reads its own, so every time is kept as two readings with
Taskscope's in between. These are bounds and not tolerances: a figure that lies outside is wrong.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec


class Submitted(msgspec.Struct, tag_field="what", tag="submitted"):
    """An order was put into the queue, and may be taken from some instant between these two on."""

    task: str
    attempt: int
    low_ns: int
    high_ns: int


class Begun(msgspec.Struct, tag_field="what", tag="begun"):
    """A task begins to work; its start lies between the two instants."""

    run: str
    task: str
    attempt: int
    job: str
    queue: str
    worker: str
    limit_s: float
    low_ns: int
    high_ns: int


class Ended(msgspec.Struct, tag_field="what", tag="ended"):
    """A task ends: how, and how long it took at least."""

    run: str
    outcome: str
    low_ns: int


class Left(msgspec.Struct, tag_field="what", tag="left"):
    """The run around a task has ended too: how long it took at most."""

    run: str
    high_ns: int


class Killed(msgspec.Struct, tag_field="what", tag="killed"):
    """A worker was ended by SIGKILL in the middle of this run, at an instant between these two."""

    run: str
    low_ns: int
    high_ns: int


Entry = Submitted | Begun | Ended | Left | Killed
_read_entry = msgspec.json.Decoder(Entry).decode
_write_entry = msgspec.json.Encoder().encode


class Account:
    """What one process writes.

    Parameters
    ----------
    folder
        Where all processes keep their files.
    author
        Whose file it is; a worker that is started again goes on with its file.
    """

    def __init__(self, folder: Path, author: str) -> None:
        path = folder / f"{author}.jsonl"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def append(self, entry: Entry) -> None:
        """Write one line."""
        os.write(self._fd, _write_entry(entry) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class Reader:
    """Reads the files of all processes, each line once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[Path, int] = {}

    def new(self) -> list[Entry]:
        """Give what was written since the last call, in the order of each file."""
        found: list[Entry] = []
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._offsets.get(path, 0))
                whole = file.read().rpartition(b"\n")[0]
                if whole:
                    self._offsets[path] = self._offsets.get(path, 0) + len(whole) + 1
                    found += [_read_entry(line) for line in whole.split(b"\n")]
        return found


class Open:
    """The runs that have begun and not ended, by their token, as far as the account was read."""

    def __init__(self) -> None:
        self.runs: dict[str, Begun] = {}
        self.begun = 0

    def follow(self, entries: Iterable[Entry]) -> None:
        """Take what was read."""
        for entry in entries:
            if isinstance(entry, Begun):
                self.runs[entry.run] = entry
                self.begun += 1
            elif isinstance(entry, Ended | Killed):
                self.runs.pop(entry.run, None)
