"""The page of states is made from the table of transitions."""

import subprocess
import sys

from taskscope.core.lifecycle import OUTCOME_OF, TRANSITIONS
from tests.docs.pages import ROOT, read


def test_the_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_page_shows_every_transition_and_every_end() -> None:
    page = read("states.md")
    for row in TRANSITIONS:
        assert f"    {row.before or '[*]'} --> {row.after}: {row.on}\n" in page
    for fact, outcome in OUTCOME_OF.items():
        assert f"| `{fact}` | {outcome} |\n" in page
