"""Questions and their answers: every figure is read from cells and runs, none is kept on the side."""

from taskscope.stats.durations import percentiles
from taskscope.stats.listing import runs
from taskscope.stats.monitor import monitor
from taskscope.stats.summary import stats
from taskscope.stats.utilization import utilization
from taskscope.stats.verify import verify

__all__ = ["monitor", "percentiles", "runs", "stats", "utilization", "verify"]
