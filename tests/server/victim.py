"""An application that records, ships at the same time in small batches, and keeps an account: made to be killed."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import taskscope
from taskscope.sdk.address import parse_address
from taskscope.sdk.ship import Shipper

TASKS = 400


def main(home: str, url: str, account: str, name: str) -> None:
    """Record tasks, each between two lines of the account; then wait, while the shipper goes on."""
    shipper = Shipper(Path(home), parse_address(url), every_s=0.001, chunk_records=25)
    threading.Thread(target=shipper.run, args=(threading.Event(),), daemon=True).start()
    scope = taskscope.connect("shop", home=home, worker=name)
    lines = os.open(account, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in range(TASKS):
        task = f"{name}-{number}"
        os.write(lines, f"begin {task}\n".encode())
        with scope.run("job", task_id=task):
            pass
        os.write(lines, f"end {task}\n".encode())
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
