"""The pace of progress: a task may report at each step of a loop, the record keeps one report a second."""

INTERVAL_S = 1.0


class Pace:
    """Which reports of one run are recorded: the first, the last, 1.0 at once, of the others one a second.

    Attributes
    ----------
    waiting
        The newest report that was held back, None where the newest was recorded.
    """

    __slots__ = ("_admitted", "_admitted_s", "waiting")

    def __init__(self) -> None:
        self._admitted: float | None = None
        self._admitted_s = 0.0
        self.waiting: float | None = None

    def admits(self, progress: float, now_s: float) -> bool:
        """Tell whether to record a report now; what is held back waits for the next one, or for the end of the run.

        Parameters
        ----------
        progress
            How far the run is, 0 to 1.
        now_s
            By a monotonic clock, seconds.
        """
        if progress == self._admitted:
            self.waiting = None
            return False
        if self._admitted is not None and progress < 1.0 and now_s - self._admitted_s < INTERVAL_S:
            self.waiting = progress
            return False
        self._admitted, self._admitted_s, self.waiting = progress, now_s, None
        return True
