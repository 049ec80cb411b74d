"""The command `taskscope`, as long as whoever started it is there: a demonstration that is killed leaves no server.

Started as `python -m taskscope.demo.serving serve --home DIR`.
"""

import importlib
import os
import signal
import threading
import time

_LOOK_EVERY_S = 0.5


def end_with(parent: int) -> None:
    """Ask this process to end when its parent is gone."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run the command."""
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    # By name: the command line stands above the demonstration, and here it is a program to be started.
    importlib.import_module("taskscope.cli").main(prog_name="taskscope")


if __name__ == "__main__":
    main()
