"""How long it takes from a fact that is accepted until those who listen hear of it: a real server, facts one by one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

from benchmarks.process import environment

FOLLOWERS = 20
PAUSE_S = 0.01


def measure(folder: Path, facts: int) -> dict[str, Any]:
    """Post facts one by one while some listen; give the time from sending one to hearing of it, by all of them."""
    server = subprocess.Popen(
        [Path(sys.executable).with_name("taskscope"), "serve", "--home", folder / "home", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    try:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        return _measured(url, facts)
    finally:
        server.terminate()
        server.communicate()


def _measured(url: str, facts: int) -> dict[str, Any]:
    heard: list[dict[str, float]] = [{} for _ in range(FOLLOWERS)]
    ready = threading.Barrier(FOLLOWERS + 1)
    listeners = [threading.Thread(target=_listen, args=(url, facts, ready, own)) for own in heard]
    for listener in listeners:
        listener.start()
    ready.wait()
    sent: dict[str, float] = {}
    answered: dict[str, float] = {}
    for number in range(facts):
        task = f"t{number}"
        sent[task] = time.perf_counter()
        _post(url, {"type": "task.started", "time": time.time() * 1000, "task": task, "job": "j", "worker": "w"})
        answered[task] = time.perf_counter()
        time.sleep(PAUSE_S)
    for listener in listeners:
        listener.join()
    from_sending = [1000 * (own[task] - sent[task]) for own in heard for task in sent]
    from_answer = [1000 * max(0.0, own[task] - answered[task]) for own in heard for task in sent]
    return {
        "facts": facts,
        "followers": FOLLOWERS,
        "ms_from_sending": _spread(from_sending),
        "ms_from_the_answer": _spread(from_answer),
        "holds": bool(np.percentile(from_sending, 99) <= 1000),
    }


def _listen(url: str, facts: int, ready: threading.Barrier, heard: dict[str, float]) -> None:
    with connect(url.replace("http", "ws", 1) + "/api/v1/stream") as socket:
        _say(socket, op="subscribe", id="a", topic="runs", filter={"job": ["j"]})
        while json.loads(socket.recv())["type"] != "snapshot":
            pass
        ready.wait()
        while len(heard) < facts:
            said = json.loads(socket.recv())
            now = time.perf_counter()
            if said["type"] == "change":
                for task in said["data"]["tasks"]:
                    heard.setdefault(task["task"], now)


def _say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def _post(url: str, event: dict[str, Any]) -> None:
    request = urllib.request.Request(
        url + "/api/v1/events", json.dumps(event).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        answer.read()


def _spread(values: list[float]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return {
        name: round(float(value), 1) for name, value in (("p50", p50), ("p95", p95), ("p99", p99), ("max", max(values)))
    }
