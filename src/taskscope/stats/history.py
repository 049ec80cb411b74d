"""All runs of a window at a glance: how they went, and the same bucket by bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from taskscope.core.clock import to_text
from taskscope.stats.counts import LEVELS, count, total
from taskscope.stats.figures import Figures, figures, spreads
from taskscope.stats.job import History, history_of
from taskscope.stats.timeline import timeline
from taskscope.stats.units import Instant
from taskscope.stats.windows import cover

if TYPE_CHECKING:
    from taskscope.core.intervals import Interval
    from taskscope.ports import Filter, Store
    from taskscope.stats.counts import Counts


class Overall(msgspec.Struct, kw_only=True, rename={"start": "from", "end": "to"}):
    """The runs of a window. `running` and `pending` are as of its end."""

    start: Instant
    end: Instant
    running: int
    pending: int
    figures: Figures
    history: History


def history(store: Store, where: Filter, window: Interval, step: int | None = None) -> Overall:
    """Answer how runs went.

    Parameters
    ----------
    step
        The length of a bucket; None for one that gives about 48 of them.

    Raises
    ------
    UsageError
        There would be too many buckets, or the step is no whole number of minutes.
    """
    with store.questions() as q:
        covered = cover(q, *window)
        edges: dict[Interval, Counts] = {}
        cells = count(q, covered, where, edges=edges, histograms=False)
        [spread] = spreads(q, covered, where, cells, [tuple(cells)])
        level = total(count(q, cover(q, None, window[1]), where, LEVELS, edges, histograms=False))
        drawn = timeline(q, window, where, step=step)
    return Overall(
        start=to_text(covered.window[0]),
        end=to_text(covered.window[1]),
        running=level["begun"] - level["gone"],
        pending=level["submitted"] - level["taken"],
        figures=figures(total(cells), spread),
        history=history_of(drawn, list(drawn.jobs)),
    )
