"""What happens when: who comes, who is killed, and when it is over."""

import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from taskscope.config import load
from taskscope.demo.account import Begun
from taskscope.demo.crew import Crew
from taskscope.demo.pages import Pages
from taskscope.demo.plan import STUCK_LIMIT_S
from taskscope.demo.result import Result, say, settle
from taskscope.demo.stage import Stage
from taskscope.demo.tray import Tray
from taskscope.errors import UsageError

_FIRST = ("worker-1", "worker-2", "worker-3")
_LATE = "worker-4"
_WITHOUT_END_S = 20.0
_LATE_AT, _KILL_AT = 0.3, 0.45
_PATIENCE_S = 0.5
_STEP_S = 0.02
_TELL_EVERY_S = 30.0
_FINISH_WITHIN_S = 60.0


def play(seconds: float | None, home: Path | None) -> Result:
    """Run all of it and say how it came out."""
    if seconds is not None and not seconds > 0:
        raise UsageError(f"{seconds} seconds are no time to show anything; use a number above 0")
    stage = Stage(_home(home))
    settings = load(str(stage.home), environment={})
    stage.build()
    with _interrupts() as stop, Crew(stage) as crew:
        pages = Pages(stage, settings)
        try:
            try:
                _Play(stage, crew, pages, seconds).run(stop)
            finally:
                pages.stop()
            return settle(stage, settings, crew.last_death_ns, crew.unexpected)
        except KeyboardInterrupt:
            say("ended at once; nothing was compared")
            return Result(1, {"home": str(stage.home), "equal": False, "problems": ["ended at once"]})


class _Play:
    """The part of the demonstration in which tasks run."""

    def __init__(self, stage: Stage, crew: Crew, pages: Pages, seconds: float | None) -> None:
        self._home, self._crew, self._pages, self._seconds = stage.home, crew, pages, seconds
        self._tray = Tray(stage.tray)
        self._begin_s = time.monotonic()
        self._tell_at_s = _TELL_EVERY_S
        length_s = _WITHOUT_END_S if seconds is None else seconds
        self._cues = [(_LATE_AT * length_s, self._join_late), (_KILL_AT * length_s, self._kill_one)]

    def run(self, stop: threading.Event) -> None:
        """Let tasks come until the time is over or somebody stops it, then let the workers finish what waits."""
        say(f"home: {self._home}")
        end = "until Ctrl-C" if self._seconds is None else f"for {self._seconds:g} s"
        self._tell(f"a producer and {', '.join(_FIRST)} start; tasks come {end}")
        self._crew.start_producer()
        for name in _FIRST:
            self._crew.start_worker(name)
        while not stop.wait(_STEP_S) and (self._seconds is None or self._time_s() < self._seconds):
            self._step()
            if self._cues and self._time_s() >= self._cues[0][0] and self._cues[0][1]():
                del self._cues[0]
        self._crew.stop_producer()
        self._tell(f"no more tasks come; the workers finish the {self._tray.waiting()} that wait")
        last_s = self._time_s() + _FINISH_WITHIN_S
        while self._crew.working:
            if self._time_s() > last_s:
                self._crew.unexpected.append(f"the workers did not finish within {_FINISH_WITHIN_S:g} s")
                break
            time.sleep(_STEP_S)
            self._step()

    def _step(self) -> None:
        known = len(self._crew.unexpected)
        self._crew.look()
        for problem in self._crew.unexpected[known:]:
            self._tell(problem)
        news = self._pages.step()
        if news:
            self._tell(news)
        for run in list(self._crew.open.runs.values()):
            self._watch(run)
        if self._time_s() >= self._tell_at_s:
            self._tell_at_s += _TELL_EVERY_S
            self._tell(f"{self._crew.open.begun:,} runs so far")

    def _watch(self, run: Begun) -> None:
        """End a worker that is stuck beyond its limit, and start it again, as a watchdog does."""
        over_ns = time.time_ns() - run.high_ns - round((run.limit_s + _PATIENCE_S) * 1e9)
        if over_ns > 0 and self._crew.kill(run):
            self._tray.done(run.worker)
            self._crew.start_worker(run.worker)
            where = f"{run.job} {run.task}, beyond its limit of {run.limit_s:g} s"
            self._tell(f"{run.worker} is stuck in {where}: killed and started again")

    def _join_late(self) -> bool:
        self._crew.start_worker(_LATE)
        self._tell(f"{_LATE} joins")
        return True

    def _kill_one(self) -> bool:
        """Kill a worker in the middle of a task that is not stuck; False while there is none."""
        for run in list(self._crew.open.runs.values()):
            if run.limit_s > STUCK_LIMIT_S and self._crew.kill(run):
                self._tray.put_back(run.worker)
                self._tell(
                    f"{run.worker} is killed in the middle of {run.job} {run.task}, which goes back to the queue"
                )
                return True
        return False

    def _time_s(self) -> float:
        return time.monotonic() - self._begin_s

    def _tell(self, what: str) -> None:
        say(f"{self._time_s():5.1f} s  {what}")


def _home(home: Path | None) -> Path:
    if home is None:
        return Path(tempfile.mkdtemp(prefix="taskscope-demo-"))
    if home.exists() and not (home.is_dir() and not any(home.iterdir())):
        raise UsageError(f"{home} is not an empty folder; name one that is empty or does not exist")
    return home.expanduser().absolute()


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Turn Ctrl-C, SIGTERM and a closed terminal into an event; the second one ends at once."""
    stop = threading.Event()

    def ask(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
