"""What retention may forget: a task that is over, and that no question about the newest runs needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskscope.core import lifecycle

if TYPE_CHECKING:
    from taskscope.core.runs import View


def is_open(view: View) -> bool:
    """Tell whether facts of this task may still come, so that its fold must stay.

    A run whose end is only inferred counts as open: its true end may lie in the spool of a machine that comes back,
    and could not be told from a new task if the fold were gone.
    """
    return view.state == lifecycle.RETRYING or any(run.end_type is None for run in view.runs)
