"""The example of several web workers, run as it stands: each shows the same numbers, whatever happens to them."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import DEADLINE_S, Server, wait_for

FOLDER = Path(__file__).parents[2] / "examples" / "gunicorn"
WORKERS = 4
Shown = tuple[int, int, dict[str, Any]]
"""Status, process and answer."""


class Web:
    """The application under Gunicorn."""

    def __init__(self, home: Path, monitor: str) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "-w", str(WORKERS), "-b", f"fd://{listener.fileno()}"]
        self.process = subprocess.Popen(
            [*command, "--log-level", "warning", "app:application"],
            cwd=FOLDER,
            env={**os.environ, "TASKSCOPE_HOME": str(home), "MONITOR": monitor},
            pass_fds=[listener.fileno()],
        )
        listener.close()

    def ask(self, method: str, path: str) -> Shown:
        """Send one request over a connection of its own; whichever worker is free takes it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, int(response.headers["X-Process"]), json.loads(response.read())
        finally:
            connection.close()

    def stats(self) -> dict[str, Any]:
        return self.ask("GET", "/stats")[2]

    def by_process(self) -> dict[int, dict[str, Any]]:
        """Ask until every worker has answered."""
        found: dict[int, dict[str, Any]] = {}

        def all_have() -> bool:
            _, process, answer = self.ask("GET", "/stats")
            found[process] = answer
            return len(found) == WORKERS

        wait_for(all_have)
        return found


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    server = Server(tmp_path / "home")
    web = Web(server.home, server.ready["url"])
    yield web
    web.process.terminate()
    web.process.wait(DEADLINE_S)
    server.stop()


class Client:
    """Sends requests from several threads, and counts for itself how they ended."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._go_on = True
        self._lock = threading.Lock()
        self.counts = {200: 0, 400: 0}
        self.processes: set[int] = set()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    def _send(self, number: int) -> None:
        sent = number
        while self._go_on:
            sent += 1
            text = "" if sent % 5 == 0 else "?text=hello"
            status, process, _ = self._web.ask("POST", f"/speak{text}")
            with self._lock:
                self.counts[status] += 1
                self.processes.add(process)

    def stop(self) -> None:
        self._go_on = False
        for thread in self._threads:
            thread.join()


def test_every_worker_shows_what_the_client_counted_though_all_are_restarted_and_one_is_killed(web: Web) -> None:
    wait_for(lambda: web.ask("GET", "/stats")[0] == 200)
    client = Client(web)
    try:
        wait_for(lambda: client.counts[200] > 50)
        first = set(client.processes)
        web.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(client.processes - first) >= WORKERS)
        wait_for(lambda: client.counts[400] > 20)
    finally:
        client.stop()
    wait_for(lambda: (web.stats()["tasks_completed"], web.stats()["tasks_failed"]) == tuple(client.counts.values()))
    assert web.stats()["total_tasks"] == sum(client.counts.values())

    broken: list[Exception] = []

    def work_for_long() -> None:
        try:
            web.ask("POST", "/speak?text=long&seconds=60")
        except (OSError, http.client.HTTPException) as error:
            broken.append(error)

    busy = set(web.by_process())
    slow = threading.Thread(target=work_for_long)
    slow.start()
    wait_for(lambda: web.stats()["active_tasks"] == 1)

    def one_is_left() -> bool:
        busy.discard(web.ask("GET", "/stats")[1])  # who answers is not the one that works
        return len(busy) == 1

    wait_for(one_is_left)
    os.kill(busy.pop(), signal.SIGKILL)
    slow.join(DEADLINE_S)
    assert len(broken) == 1
    assert web.ask("POST", "/speak?text=after")[0] == 200
    expected = {
        "total_tasks": sum(client.counts.values()) + 2,
        "active_tasks": 1,  # until its heartbeat has been missing for long enough
        "tasks_completed": client.counts[200] + 1,
        "tasks_failed": client.counts[400],
        "success_rate": pytest.approx((client.counts[200] + 1) / (sum(client.counts.values()) + 1)),
    }
    wait_for(lambda: web.stats() == expected)
    assert list(web.by_process().values()) == [expected] * WORKERS
