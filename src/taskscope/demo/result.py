"""The end: Taskscope takes in the rest, both sides are put beside each other, and `verify` has the last word."""

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any, NamedTuple

from taskscope import app
from taskscope.config import Settings
from taskscope.demo.account import Reader
from taskscope.demo.comparison import compare, table, verdict
from taskscope.demo.figures import figures
from taskscope.demo.stage import TTL_S, Stage
from taskscope.demo.tally import tally
from taskscope.stats import verify

_LOOK_AGAIN_S = 0.02
_EXPLANATION = (
    "The account that the tasks kept themselves, beside what Taskscope shows. Counts must be the same. A time must lie",
    "between two readings of the tasks' own clock, just inside and just outside of each run; a killed run counts up to",
    f"its worker's last sign of life, at most {TTL_S:g} s before.",
)


class Result(NamedTuple):
    """How it ended: the exit code, and the same as one document."""

    code: int
    document: dict[str, Any]


def settle(stage: Stage, settings: Settings, last_death_ns: int, problems: Sequence[str]) -> Result:
    """Take in what is left in the spool, let what is lost become lost, compare, and say how it came out.

    Parameters
    ----------
    stage
        Where it all took place.
    settings
        The settings of its home; no server holds it any more.
    last_death_ns
        When a worker was last killed, 0 for never.
    problems
        What went wrong with the processes.
    """
    settled_us = last_death_ns // 1000 + round(TTL_S * 1e6)
    while app.now_us() <= settled_us:
        time.sleep(_LOOK_AGAIN_S)
    account = tally(Reader(stage.account).new(), TTL_S)
    with closing(app.open_store(settings)) as store:
        app.tick(settings, store, app.now_us())
        rows = compare(account, figures(store, app.now_us()))
        found = verify(store)
    differing = found["differences_total"]
    say("", *_EXPLANATION, "", *table(rows), "")
    say(*(f"problem: {problem}" for problem in problems))
    say(f"account and Taskscope: {verdict(rows)}")
    checked = f"{found['attempts']:,} attempts and {found['cells']:,} cells recomputed from the log"
    say(f"taskscope verify: {f'{differing:,} differences' if differing else 'no difference'} in {checked}")
    say("", f"All of it is kept in {stage.home}; look at it with", f"  taskscope serve --home {stage.home}")
    say(f"  taskscope stats --home {stage.home}")
    well = not differing and not problems and all(row.equal for row in rows)
    told = [
        {"figure": row.name, "account": row.account, "taskscope": row.taskscope, "equal": row.equal} for row in rows
    ]
    document = {"home": str(stage.home), "equal": well, "figures": told, "problems": problems, "verify": found}
    return Result(0 if well else 1, document)


def say(*lines: str) -> None:
    """Write lines for the user, at once."""
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
