"""A process that sends numbered runs to a server that comes and goes, and keeps an account of it in a file.

A line is written before each batch and another one after its 200; a batch is sent again until it is answered so.
"""

from __future__ import annotations

import http.client
import json
import random
import signal
import sys
import time
from itertools import count
from pathlib import Path
from types import FrameType

from tests.cli.facts import finished, ndjson

TRY_AGAIN_S = 0.005


def main(port: str, account: str, name: str) -> None:
    """Send until SIGTERM; the batch that is under way is sent to its end."""
    chance = random.Random(name)
    ending = False

    def end(_sign: int, _frame: FrameType | None) -> None:
        nonlocal ending
        ending = True

    signal.signal(signal.SIGTERM, end)
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
    first = 0
    with Path(account).open("a", encoding="utf-8") as file:
        for _ in count():
            after = first + chance.choice((1, 1, 5, 40))
            body = ndjson(
                fact for n in range(first, after) for fact in finished(f"{name}-{n}", n, n + 1, job="j", worker=name)
            )
            file.write(f"sending {first} {after}\n")
            file.flush()
            while not _sent(connection, body):
                time.sleep(TRY_AGAIN_S)
            file.write(f"kept {first} {after}\n")
            file.flush()
            first = after
            if ending:
                return


def _sent(connection: http.client.HTTPConnection, body: bytes) -> bool:
    try:
        connection.request("POST", "/api/v1/events", body, {"Content-Type": "application/x-ndjson"})
        answer = connection.getresponse()
        said = answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()  # the next request opens another
        return False
    if answer.status == 503:
        return False
    if answer.status != 200 or json.loads(said)["rejected"]:
        raise SystemExit(f"{answer.status}: {said!r}")
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
