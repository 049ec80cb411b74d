"""Sending a batch of which the server refuses a part as a whole: halves, until the bad record stands alone.

1. Send the batch. A receipt names the refused records of it; the rest is done.
2. A batch that is refused as a whole (malformed, too large) is halved, and each half is sent by itself.
3. A record that is refused alone is refused for good.

Before anything is halved, the server is asked to take an empty batch. What refuses even that is no server that could
judge a record (a wrong path, a proxy, another application), and must not empty the spool into the rejected.
"""

from collections.abc import Callable

from taskscope.errors import BatchRefusedError, ServerAwayError
from taskscope.sdk.answers import Refusal

Refused = tuple[str, bytes]
"""The reason and the record."""

Send = Callable[[list[bytes]], list[Refusal]]


def deliver(records: list[bytes], send: Send) -> list[Refused]:
    """Send records until each is either taken or refused, in the order in which they were recorded.

    Parameters
    ----------
    records
        What is to be sent.
    send
        Sends one batch and gives what was refused of it; raises `BatchRefusedError` for a batch as a whole.

    Returns
    -------
    What was refused, with the reason. Nothing of it was kept anywhere yet.

    Raises
    ------
    ServerAwayError
        The server is away, or refuses everything. Some records may have been taken by then.
    """
    refused: list[Refused] = [("this is no line of NDJSON", record) for record in records if not _is_line(record)]
    waiting = [[record for record in records if _is_line(record)]]
    trusted = False
    while waiting:
        batch = waiting.pop()
        if not batch:
            continue
        try:
            refused += [(error, batch[index]) for index, error in send(batch)]
            trusted = True
        except BatchRefusedError as error:
            if not trusted:
                _prove(send, error)
                trusted = True
            if len(batch) == 1:
                refused.append((str(error), batch[0]))
            else:
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]
    return refused


def _prove(send: Send, reason: BatchRefusedError) -> None:
    try:
        send([])
    except BatchRefusedError:
        message = f"the server refuses every batch, even an empty one: {reason}; is TASKSCOPE_URL a Taskscope server?"
        raise ServerAwayError("refuses everything", message) from None


def _is_line(record: bytes) -> bool:
    # Anything else would shift the positions by which the server names what it refused.
    return b"\n" not in record and bool(record.strip(b" \t\r"))
