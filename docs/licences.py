# noqa: INP001 - a script beside the pages, not a package
"""Write `docs/reference/licences.md`: what Taskscope needs to run, and under which licences, as the packages say it.

Run by `.venv/bin/python docs/licences.py` when a dependency comes or goes.
"""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

PAGE = Path(__file__).parent / "reference" / "licences.md"
EXTRAS = ("", "postgres")

_TEXT = """\
<!-- Made by docs/licences.py from what the installed packages say of themselves: run it again, change nothing here. -->

# Licences

Taskscope is under the Apache License 2.0. To run, it needs these packages, directly or through another one. What is
needed to test and build it is not part of it.

| package | licence | needed by |
|---|---|---|
{rows}
"""


def main() -> None:
    """Write the page."""
    found = needed("taskscope", EXTRAS)
    rows = [f"| [{name}](https://pypi.org/project/{name}/) | {licence(name)} | {', '.join(by)} |" for name, by in found]
    PAGE.write_text(_TEXT.format(rows="\n".join(rows)), "utf-8")


def needed(root: str, extras: tuple[str, ...]) -> list[tuple[str, list[str]]]:
    """Give the packages that a package needs, at any depth, by name, each with those that ask for it."""
    asked: dict[str, set[str]] = {}
    waiting = [(root, extras)]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        name, wanted = one
        for text in _installed(name).requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in wanted or ("",)):
                asked.setdefault(_plain(requirement.name), set()).add(name)
                waiting.append((_plain(requirement.name), tuple(sorted({"", *requirement.extras}))))
    return [(name, sorted(by)) for name, by in sorted(asked.items())]


def licence(name: str) -> str:
    """Give the licence of a package, in its own words."""
    said = _installed(name).metadata
    if expression := said.get("License-Expression"):
        return expression
    classified = [line.split(" :: ")[-1] for line in said.get_all("Classifier") or () if line.startswith("License ::")]
    return ", ".join(classified) or (said.get("License") or "not said").splitlines()[0]


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError as error:
        raise SystemExit(f"{name} is not installed: run `make setup` first") from error


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
