# noqa: INP001 - a script beside the pages, not a package
"""Write the files that are made from the code.

`docs/reference/states.md` comes from the table of transitions, `docs/reference/api.md` from the description of the API,
which `web/api.json` holds for the client of the pages. Run by `.venv/bin/python docs/generate.py`; with `--check` it
only says which files are not up to date, and ends with 1 where one is not.
"""

import json
import sys
from pathlib import Path

import api_page

from taskscope.core.lifecycle import OUTCOME_OF, STATES, TRANSITIONS

REFERENCE = Path(__file__).parent / "reference"

_TEXT = """\
<!-- Made by docs/generate.py from taskscope.core.lifecycle: change the code, then run it again. -->

# States of a task

{count} states, and the facts that lead from one to the next. The code reads the same table.

```mermaid
stateDiagram-v2
{diagram}
```

| in state | the fact | leads to | meaning |
|---|---|---|---|
{table}

The table shows the usual way of a task. It is no gate: no fact is refused because it does not fit. The state of a task
is worked out from all facts that are known about it, in whatever order they came; the rule stands in
[Definitions](../explanation/definitions.md#state-of-a-task). So a task that nobody submitted is PROCESSING once it
starts, and a task that is submitted again after its last run waits again, whatever state it was in: PENDING in its
first attempt, RETRYING in a later one.

`task.timed_out` and `task.lost` may also come about without a fact, by
[inference](../explanation/definitions.md#inference-is-a-function).

## How an end counts

A run ends with an outcome. These facts end it:

| fact | outcome of the run |
|---|---|
{outcomes}

A run that will be retried has failed. Its task has not: it is RETRYING.
"""


def states() -> str:
    """Make the page of states."""
    diagram = [f"    {row.before or '[*]'} --> {row.after}: {row.on}" for row in TRANSITIONS]
    table = [f"| {row.before or '(unknown)'} | `{row.on}` | {row.after} | {row.meaning} |" for row in TRANSITIONS]
    outcomes = [f"| `{fact}` | {outcome} |" for fact, outcome in OUTCOME_OF.items()]
    return _TEXT.format(
        count={5: "Five"}.get(len(STATES), str(len(STATES))),
        diagram="\n".join(diagram),
        table="\n".join(table),
        outcomes="\n".join(outcomes),
    )


def described() -> str:
    """Make the description that the client of the pages is generated from (`npm run api` in `web`)."""
    return json.dumps(api_page.described(), indent=2, ensure_ascii=False) + "\n"


MADE = {
    REFERENCE / "states.md": states,
    REFERENCE / "api.md": api_page.page,
    REFERENCE.parents[1] / "web/api.json": described,
}


def main() -> int:
    """Write the files, or with --check compare them; give the exit code."""
    outdated = []
    for path, made in MADE.items():
        text = made()
        if "--check" not in sys.argv[1:]:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            outdated.append(str(path))
    if outdated:
        sys.stderr.write(f"{', '.join(outdated)} not up to date: run docs/generate.py\n")
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main())
