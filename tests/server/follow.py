"""A follower of the live stream, for tests: what it is told, in order."""

import json
from collections.abc import Callable
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

from tests.server.conftest import DEADLINE_S, Server


class Follower:
    """A connection to the stream of a server; `hello` is what greeted it."""

    def __init__(self, server: Server, **options: Any) -> None:
        url = server.ready["url"].replace("http://", "ws://") + "/api/v1/stream"
        self._opening = connect(url, open_timeout=DEADLINE_S, **options)

    def __enter__(self) -> Self:
        self.socket: ClientConnection = self._opening.__enter__()
        self.hello = self.next()
        return self

    def __exit__(self, *error: object) -> None:
        self._opening.__exit__(*error)

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def follow(self, name: str, topic: str, **more: Any) -> dict[str, Any]:
        """Subscribe, and give the first message about it."""
        self.say(op="subscribe", id=name, topic=topic, **more)
        return self.until(lambda said: said.get("id") == name)

    def next(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.socket.recv(timeout=DEADLINE_S))
        return said

    def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Pass over messages up to one for which something holds."""
        while not condition(said := self.next()):
            pass
        return said


def runs_of(said: dict[str, Any]) -> dict[str, list[str]]:
    """Give the states of the runs of each task that a change names."""
    return {task["task"]: [run["state"] for run in task["runs"]] for task in said["data"]["tasks"]}
