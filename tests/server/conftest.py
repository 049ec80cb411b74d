"""What the tests of the server share: real servers, each a process of its own on a free port."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

TASKSCOPE = Path(sys.executable).with_name("taskscope")
DEADLINE_S = 20


class Server:
    """A server process that is ready."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.home = home
        command: list[str | Path] = [TASKSCOPE, "serve", "--home", home, "--port", "0", "--json", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()  # waits until it is ready, or gone
        if not line:
            _, err = self.process.communicate()
            pytest.fail(f"the server did not start: {err}")
        self.ready = json.loads(line)
        self.client = httpx.Client(base_url=self.ready["url"], timeout=DEADLINE_S)

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Stop it, and give its exit code and what it said on stderr."""
        self.client.close()
        self.process.send_signal(sign)
        try:
            _, err = self.process.communicate(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, err


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server") / "home")
    yield server
    server.stop()


@pytest.fixture
def client(server: Server) -> httpx.Client:
    return server.client


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)
