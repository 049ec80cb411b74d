"""Questions and their answers: every figure is read from cells and runs, none is kept on the side."""

from taskscope.stats.durations import percentiles
from taskscope.stats.failures import failures
from taskscope.stats.heatmap import heatmap
from taskscope.stats.job import job
from taskscope.stats.jobs import jobs
from taskscope.stats.listing import runs
from taskscope.stats.monitor import monitor
from taskscope.stats.own import own
from taskscope.stats.searching import search
from taskscope.stats.summary import stats
from taskscope.stats.task import task
from taskscope.stats.utilization import utilization
from taskscope.stats.verify import verify

__all__ = ["failures", "heatmap", "job", "jobs", "monitor", "own", "percentiles", "runs", "search", "stats", "task"]
__all__ += ["utilization", "verify"]
