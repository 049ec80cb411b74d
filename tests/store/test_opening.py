"""Processes that open one new store at the same moment all get it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OPEN = """
import sys
from pathlib import Path
from taskscope.store.sqlite import SqliteStore
sys.stdin.readline()
for number in range(40):
    SqliteStore(Path(sys.argv[1]) / f"{number}.db").close()
"""


def test_processes_that_make_new_stores_side_by_side_never_see_them_locked(tmp_path: Path) -> None:
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(tmp_path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    said = [opener.communicate(timeout=120)[1] for opener in openers]
    assert [(opener.returncode, err) for opener, err in zip(openers, said, strict=True)] == [(0, "")] * 4
