"""A real Prometheus for tests: the binaries that the machine has, and a server on a free port."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests import debian

DEADLINE_S = 30


def require() -> None:
    """Skip where Prometheus is missing; a machine that says it is for tests gets it, or fails."""
    debian.require("prometheus", "prometheus", "promtool")


def promtool(*arguments: str | Path, given: bytes | None = None) -> tuple[int, str]:
    """Run promtool; give its exit code and all that it says."""
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()


class Prometheus:
    """A server of its own with its data in a folder."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        folder.mkdir()
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        command = [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ]
        self._log = (folder / "prometheus.log").open("w")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)
        self._client = httpx.Client(base_url=f"http://{address}/api/v1", timeout=DEADLINE_S)

    def ask(self, path: str, **parameters: str) -> Any:
        """Ask its API; give the data of the answer."""
        answer = self._client.get(path, params=parameters)
        if answer.status_code == 503:
            raise httpx.TransportError("it is starting")
        assert answer.json()["status"] == "success", answer.text
        return answer.json()["data"]

    def query(self, expression: str) -> dict[frozenset[tuple[str, str]], float]:
        """Give what an expression is now: values by labels, without those of the scrape."""
        found = self.ask("/query", query=expression)["result"]
        return {
            frozenset((k, v) for k, v in one["metric"].items() if k not in ("__name__", "instance")): float(
                one["value"][1]
            )
            for one in found
        }

    def value(self, expression: str) -> float | None:
        """Give what an expression is that has one value, None without any."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return next(iter(found.values()), None)

    def wait_for(self, expression: str) -> None:
        """Wait until an expression gives anything."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            try:
                if self.query(expression):
                    return
            except httpx.TransportError:  # it is starting
                assert self._process.poll() is None, Path(self._log.name).read_text("utf-8")
            time.sleep(0.1)
        pytest.fail(f"Prometheus never saw {expression}")

    def stop(self) -> None:
        """Stop it."""
        self._client.close()
        self._process.terminate()
        self._process.wait(DEADLINE_S)
        self._log.close()
