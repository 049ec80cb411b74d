"""Every example of the page of the API is asked of a real server, which gives an answer that the page names."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import REFERENCE, ROOT, Block, blocks, read, section
from tests.server.conftest import TASKSCOPE, Server

EXAMPLES = [block for block in blocks(REFERENCE / "api.md") if "api" in block.words]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server that holds the example of the documentation."""
    home = tmp_path_factory.mktemp("api") / "home"
    command: list[str | Path] = [TASKSCOPE, "import", "--home", home, ROOT / "docs" / "examples" / "minute.ndjson"]
    subprocess.run(command, check=True, capture_output=True)
    server = Server(home)
    yield server
    server.stop()


def asked(server: Server, block: Block) -> httpx.Response:
    """Do what the curl command of a block does."""
    words = shlex.split(block.text.replace("\\\n", " "))
    assert words.pop(0) == "curl"
    method, headers, body, url = "GET", {}, None, ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value.replace("$TASKSCOPE_TOKEN", (server.home / "admin.token").read_text("utf-8").strip())
        elif word == "-d":
            body = words.pop(0)
        else:
            url = word
    return server.client.request(method, re.sub(r"^http://[^/]+", "", url), headers=headers, content=body)


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.text.split("8787", 1)[1].split("'")[0])
def test_an_example_is_answered_as_the_page_says(server: Server, block: Block) -> None:
    answer = asked(server, block)
    page = read("api.md")
    heading = page[: page.index(block.text)].rpartition("\n## ")[2].partition("\n")[0]
    rows = re.findall(r"^\| (\d{3}) \| (?:`([^`]+)`)?", section(page, f"## {heading}"), re.MULTILINE)
    kind = answer.headers["content-type"].partition(";")[0]
    assert str(answer.status_code).startswith("2"), answer.text
    assert (str(answer.status_code), kind) in {(status, named.partition(";")[0]) for status, named in rows}
    if kind == "application/json":
        assert json.loads(answer.text)


def test_every_path_that_is_only_read_has_an_example() -> None:
    page = read("api.md")
    for heading in re.findall(r"^## (`GET [^`{]+`)$", page, re.MULTILINE):
        assert "```sh api" in section(page, f"## {heading}"), heading
