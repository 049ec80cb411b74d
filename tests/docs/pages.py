"""What the tests of the documentation share: the pages, and the blocks of code in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^```(\S+)[ ]?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, the words behind it, and what stands in it."""

    language: str
    words: list[str]
    text: str


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def read(page: str) -> str:
    """Read a reference page."""
    return (REFERENCE / page).read_text("utf-8")


def blocks(page: Path) -> Iterator[Block]:
    for found in _FENCE.finditer(page.read_text("utf-8")):
        yield Block(found[1], found[2].split(), found[3])


def without_code(text: str) -> str:
    return _FENCE.sub("", text)


def coded(text: str) -> set[str]:
    """Give everything that stands in backquotes."""
    return set(re.findall(r"`([^`\n]+)`", without_code(text)))


def section(text: str, heading: str) -> str:
    """Give what stands below a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{level}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {heading}"
    return found[1]
