"""The examples of the pages are run, and say what the pages show.

A block `python file=NAME` is written to that file. A block `console run` is run, line by line, on a home of the page's
own. What it prints must be what stands there: words and counts as they are, measured values and times by their form.
In a block `console run exact` every character counts. A block `sql check` is asked of `docs/examples/minute.ndjson`,
and the block behind it is its answer.
"""

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import taskscope
from taskscope.cli import main
from tests.docs.pages import PAGES, ROOT, Block, blocks, name

RUN = [page for page in PAGES if any("run" in block.words for block in blocks(page))]
CHECKED = [page for page in PAGES if any("check" in block.words for block in blocks(page))]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_MEASURED = re.compile(r"\d[\d,]*\.\d+")
_NUMBER = re.compile(r"[\d,]+(\.\d+)?")


class Page:
    """A page being played, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        (folder / "docs").symlink_to(ROOT / "docs")

    def play(self, block: Block) -> list[tuple[str, str]]:
        """Run the commands of a block; give what each should print and what it prints."""
        found: list[tuple[str, str]] = []
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            found.append((shown, self.run(shlex.split(line))))
        return found

    def run(self, words: list[str]) -> str:
        if words[0] == "taskscope":
            said = CliRunner().invoke(main, words[1:], catch_exceptions=False)
            return said.stdout + said.stderr
        assert words[0] == "python"
        source = str(Path(taskscope.__file__).parents[1])
        done = subprocess.run(
            [sys.executable, *words[1:]],
            env=os.environ | {"PYTHONPATH": source},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.stderr
        return done.stdout


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    for variable in [variable for variable in os.environ if variable.startswith("TASKSCOPE_")]:
        monkeypatch.delenv(variable)
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    monkeypatch.chdir(tmp_path)
    made = Page(tmp_path)
    monkeypatch.setenv("TASKSCOPE_HOME", str(made.home))
    return made


def same(shown: str, said: str) -> bool:
    """Compare word by word: a measured value stands for any number, a time for any time."""
    left, right = shown.split(), said.split()
    if len(left) != len(right):
        return False
    return all(_same_word(*pair) for pair in zip(left, right, strict=True))


def _same_word(shown: str, said: str) -> bool:
    for form, like in ((_UUID, _UUID), (_TIME, _TIME), (_MEASURED, _NUMBER)):
        if form.fullmatch(shown):
            return like.fullmatch(said) is not None
    return shown == said


def without_counts_of_cells(text: str) -> str:
    """Leave out how many cells there are: more, when an example runs across a full minute."""
    return re.sub(r"^ cells +\d+$", " cells", text, flags=re.MULTILINE)


@pytest.mark.parametrize("source", RUN, ids=name)
def test_the_examples_of_a_page_run_and_say_what_it_shows(source: Path, page: Page) -> None:
    for block in blocks(source):
        for word in block.words:
            if word.startswith("file="):
                (page.folder / word.removeprefix("file=")).write_text(block.text, "utf-8")
        if "run" not in block.words:
            continue
        for shown, said in page.play(block):
            if "exact" in block.words:
                assert said == shown
            else:
                assert same(without_counts_of_cells(shown), without_counts_of_cells(said)), f"\n{shown}\n---\n{said}"


def written(row: tuple[object, ...]) -> str:
    return "|".join("" if value is None else str(value) for value in row)


@pytest.mark.parametrize("source", CHECKED, ids=name)
def test_the_statements_of_a_page_give_the_answers_that_it_shows(source: Path, page: Page) -> None:
    page.run(["taskscope", "import", "docs/examples/minute.ndjson"])
    page.run(["taskscope", "tick"])
    connection = sqlite3.connect(page.home / "taskscope.db")
    asked = None
    for block in blocks(source):
        if "check" in block.words:
            asked = [written(row) for row in connection.execute(block.text)]
        elif asked is not None:
            assert block.text.splitlines() == asked
            asked = None
    connection.close()


def test_a_fact_of_the_reference_is_accepted(page: Page) -> None:
    """Both forms of files: what the pages show as an example can be imported."""
    for source, expected in (("events.md", " accepted events  1"), ("runs-file.md", " accepted events  3")):
        block = next(block for block in blocks(ROOT / "docs" / "reference" / source) if block.language == "json")
        (page.folder / "one.ndjson").write_text(block.text.replace("\n", "") + "\n", "utf-8")
        assert expected in page.run(["taskscope", "import", "one.ndjson"])
