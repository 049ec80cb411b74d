"""What every command shares: its three options, its store, and how it shows an answer."""

from __future__ import annotations

import functools
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click
import msgspec
from rich.console import Console

from taskscope import app, config
from taskscope.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from taskscope.config import Settings
    from taskscope.ports import Store

P = ParamSpec("P")
R = TypeVar("R")


class Session:
    """One command being run.

    Attributes
    ----------
    settings
        What is set, the options of this command included.
    json
        Whether the answer is one JSON document.
    """

    def __init__(self, settings: Settings, *, json: bool) -> None:
        self.settings = settings
        self.json = json

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the store for the length of a command."""
        store = app.open_store(self.settings)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """Open the store for a question, with all that was recorded in it.

        A server drains by itself. Where TASKSCOPE_URL leads the facts of the home to a server, they are not for this
        store: a question that drained would keep them from there.
        """
        with self.store() as store:
            if not app.Home(self.settings.home).is_served():
                self._fetch(store)
            yield store

    def _fetch(self, store: Store) -> None:
        if self.settings.url:
            message = "TASKSCOPE_URL is set, so facts of this home go to that server, and not into this answer"
            click.echo(f"Warning: {message}", err=True)
            return
        try:
            app.drain(self.settings, store, app.now_us(), wait=True)
        except SpoolError as error:
            click.echo(f"Warning: the newest facts are missing in this answer: {error}", err=True)

    def show(self, document: dict[str, Any], readable: Callable[[], RenderableType]) -> None:
        """Print an answer on standard output: as JSON, indented for a terminal, or for reading."""
        if not self.json:
            print_rich(readable())
            return
        text = msgspec.json.encode(document)  # writes null for what is no number
        if sys.stdout.isatty():
            text = msgspec.json.format(text)
        click.echo(text)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], object]]:
    """Show a bar on stderr, if that is a terminal; it is told what is done, and how much there is."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.progress import Progress  # noqa: PLC0415 - only a terminal needs it

    with Progress(console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(bar, completed=done, total=total)


def print_rich(thing: RenderableType) -> None:
    """Print something readable; what is no terminal gets plain text that is not cut to a width."""
    if sys.stdout.isatty():
        Console().print(thing)
        return
    console = Console(width=1000, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(thing)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def options(function: Callable[..., R]) -> Callable[..., R]:
    """Add --home, --store and --json to a command, which gets a `Session` for them."""

    @click.option("--home", metavar="DIR", help="The home folder (TASKSCOPE_HOME; default ~/.taskscope).")
    @click.option("--store", metavar="URL", help="Another store than the home's, such as sqlite:////path.")
    @click.option("--json", "json", is_flag=True, help="Print one JSON document.")
    @functools.wraps(function)
    def command(*args: Any, home: str | None, store: str | None, json: bool, **rest: Any) -> R:
        return function(Session(config.load(home, store), json=json), *args, **rest)

    return command
