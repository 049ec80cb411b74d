"""The transcript of the page about the live stream is played on a real server, which answers as it stands there."""

import json
from pathlib import Path
from typing import Any

from tests.docs.pages import REFERENCE, blocks
from tests.server.conftest import Server
from tests.server.follow import Follower

VARYING = {"cursor", "time"}


def stable(said: Any) -> Any:
    """Leave out the values that differ from day to day."""
    if isinstance(said, dict):
        return {key: "*" if key in VARYING else stable(value) for key, value in said.items()}
    return [stable(value) for value in said] if isinstance(said, list) else said


def said_of(follower: Follower, name: str | None) -> dict[str, Any]:
    return follower.until(lambda said: said.get("id") == name)


def test_the_transcript_is_what_a_server_says(tmp_path: Path) -> None:
    [transcript] = [block.text for block in blocks(REFERENCE / "stream.md") if "stream" in block.words]
    server = Server(tmp_path / "home")
    try:
        with Follower(server) as follower:
            hello, *lines = transcript.splitlines()
            assert hello == "< " + json.dumps(follower.hello)
            for line in lines:
                kind, _, rest = line.partition(" ")
                if kind == ">":
                    follower.socket.send(rest)
                elif kind == "<":
                    shown = json.loads(rest)
                    said = said_of(follower, shown.get("id"))
                    assert stable(said) == stable(shown)
                else:
                    path, _, body = rest.partition(" ")
                    headers = {"Content-Type": "application/json"}
                    server.client.request(kind, path, content=body, headers=headers).raise_for_status()
    finally:
        server.stop()
