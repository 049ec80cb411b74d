"""What is ordered: first one task of every fate, so that even a short demonstration has them all, then a mixture."""

import math
import random
from collections.abc import Iterator

from taskscope.demo.tray import Order

STUCK_LIMIT_S = 1.0
_ENDLESS_LIMIT_S = 0.2
_MOST_EFFORT = 700
_JOBS = {"compress": "media", "render": "media", "hash": "reports", "parse": "reports"}
_OPENING = (
    Order("", "compress", "media", 90),
    Order("", "parse", "reports", 40, fate="stuck", limit_s=STUCK_LIMIT_S),
    Order("", "hash", "reports", 150),
    Order("", "parse", "reports", 30, fate="corrupt"),
    Order("", "render", "media", 60, too_early=1),
    Order("", "render", "media", 20, fate="endless", limit_s=_ENDLESS_LIMIT_S),
    Order("", "hash", "reports", 25, fate="corrupt", too_early=2),
    Order("", "compress", "media", 1),
)


def orders() -> Iterator[Order]:
    """Give orders without end, the same ones every time."""
    for number, order in enumerate(_OPENING, start=1):
        order.task = f"task-{number}"
        yield order
    # Reproducible chance is the purpose; nothing is kept secret with it.
    chance = random.Random(7)  # noqa: S311
    number = len(_OPENING)
    while True:
        number += 1
        yield _any(f"task-{number}", chance)


def _any(task: str, chance: random.Random) -> Order:
    job, queue = chance.choice(list(_JOBS.items()))
    # As many tasks of 1 to 10 ms as of 10 to 100 ms: short ones are what sampling monitors miss.
    order = Order(task, job, queue, round(math.exp(chance.uniform(0, math.log(_MOST_EFFORT)))))
    dice = chance.random()
    if dice < 0.06:
        order.fate = "corrupt"
    elif dice < 0.08:
        order.fate, order.limit_s = "endless", _ENDLESS_LIMIT_S
    if chance.random() < 0.1:
        order.too_early = chance.choice((1, 1, 2))
    return order
