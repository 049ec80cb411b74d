"""What `deploy/` ships: a unit that systemd takes, and a proxy with TLS in front of a real server."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests import debian
from tests.docs.pages import ROOT
from tests.server.conftest import DEADLINE_S, TASKSCOPE, Server, wait_for

NAME = "monitor.example.com"
DEPLOY = ROOT / "deploy"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """Give a server that knows its public name, and a token that may ingest and read."""
    home = tmp_path_factory.mktemp("deployed") / "home"
    made = subprocess.run(
        [TASKSCOPE, "token", "create", "--home", home, "--json", "--name", "t", "--scopes", "ingest,read"],
        check=True,
        capture_output=True,
    )
    (home / "taskscope.yaml").write_text(f"hosts: [{NAME}]\n", "utf-8")
    server = Server(home)
    yield server, json.loads(made.stdout)["token"]
    server.stop()


@pytest.fixture(scope="module")
def proxy(served: tuple[Server, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ssl.SSLContext]]:
    """Give the address of nginx in front of the server, as deploy/nginx.conf has it, and whom to trust."""
    debian.require("nginx-light", "nginx")
    debian.require("openssl", "openssl")
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    subprocess.run([*new, "-keyout", key, "-out", certificate, *subject], check=True, capture_output=True)
    port = free_port()
    shipped = (DEPLOY / "nginx.conf").read_text("utf-8")
    changes = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        f"/etc/ssl/{NAME}.pem": str(certificate),
        f"/etc/ssl/{NAME}.key": str(key),
        "http://127.0.0.1:8787": served[0].ready["url"],
    }
    for old, new_text in changes.items():
        assert old in shipped
        shipped = shipped.replace(old, new_text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    main = f"pid {folder / 'pid'};\nerror_log {folder / 'error.log'};\ndaemon off;\nworker_processes 1;\n"
    main += "user root;\n" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(f"{main}events {{}}\nhttp {{\naccess_log off;\n{own}{shipped}}}\n", "utf-8")
    nginx = shutil.which("nginx") or "nginx"
    process = subprocess.Popen(
        [nginx, "-p", folder, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: answers(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "error.log").read_text("utf-8")
        yield f"127.0.0.1:{port}", ssl.create_default_context(cafile=str(certificate))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE_S)


def test_facts_and_questions_pass_the_proxy_with_a_token(
    served: tuple[Server, str], proxy: tuple[str, ssl.SSLContext]
) -> None:
    address, trust = proxy
    token = {"Authorization": f"Bearer {served[1]}"}
    sni = {"sni_hostname": NAME}
    with httpx.Client(base_url=f"https://{address}", verify=trust, headers={"Host": NAME}) as client:
        assert client.get("/api/v1/health", extensions=sni).json() == {"status": "ok"}
        assert client.get("/api/v1/stats", extensions=sni).status_code == 401, "a proxy is not this machine"
        fact = {"type": "task.started", "time": "2026-01-08T08:28:00Z", "task": "t", "job": "proxied"}
        sent = client.post("/api/v1/events", json=[fact] * 3, headers=token, extensions=sni)
        assert sent.json() == {"accepted": 1, "duplicates": 2, "rejected": []}
        large = json.dumps([fact | {"data": {"x": "y" * 60_000}}] * 200)
        assert len(large) > 8 << 20
        answer = client.post(
            "/api/v1/events",
            content=large,
            headers=token | {"Content-Type": "application/json"},
            extensions=sni,
            timeout=DEADLINE_S,
        )
        assert answer.status_code == 200


def test_the_live_stream_passes_the_proxy_for_its_own_pages_alone(
    served: tuple[Server, str], proxy: tuple[str, ssl.SSLContext]
) -> None:
    address, trust = proxy
    host, _, port = address.partition(":")

    def opened(origin: str, token: str) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        sock = socket.create_connection((host, int(port)))
        url = f"wss://{NAME}/api/v1/stream"
        return connect(url, sock=sock, ssl=trust, origin=Origin(origin), additional_headers=headers)

    with opened(f"https://{NAME}", served[1]) as stream:
        assert json.loads(stream.recv(DEADLINE_S))["type"] == "hello"
        stream.send(json.dumps({"op": "subscribe", "id": "a", "topic": "runs", "filter": {"job": ["told"]}}))
        assert json.loads(stream.recv(DEADLINE_S))["type"] == "snapshot"
        fact = {"type": "task.started", "time": "2026-01-08T08:29:00Z", "task": "u", "job": "told"}
        served[0].client.post("/api/v1/events", json=fact, headers={"Authorization": f"Bearer {served[1]}"})
        assert json.loads(stream.recv(DEADLINE_S))["data"]["tasks"][0]["task"] == "u"
    for origin, token, status in ((f"https://{NAME}", "", 401), ("https://evil.example", served[1], 403)):
        with pytest.raises(InvalidStatus) as refused, opened(origin, token):
            pass
        assert refused.value.response.status_code == status


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (Debian: apt-get install systemd)")
    unit = (DEPLOY / "taskscope.service").read_text("utf-8").replace("/opt/taskscope/bin/taskscope", str(TASKSCOPE))
    path = tmp_path / "taskscope.service"
    path.write_text(unit, "utf-8")
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    about = [line for line in done.stderr.splitlines() if "taskscope.service" in line]
    assert not [line for line in about if "Unknown" in line or "Invalid" in line or "Failed to parse" in line], about
