"""Where the demonstration takes place, and the few names that its processes must agree on."""

import os
from pathlib import Path

SERVICE = "demo"
QUEUES = ("media", "reports")
HEARTBEAT_S = 0.5
TTL_S = 2.0


class Stage:
    """The folders of one demonstration, all inside of its home.

    Parameters
    ----------
    home
        The home folder of Taskscope.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.account = home / "demo" / "account"
        self.tray = home / "demo" / "queue"
        self.server_url = home / "demo" / "server.json"
        self.server_log = home / "demo" / "server.log"

    def build(self) -> None:
        """Make the folders."""
        for folder in (self.account, self.tray):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def environment() -> dict[str, str]:
    """Give the environment for the processes: without settings that would lead their facts to another place."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TASKSCOPE_")}
