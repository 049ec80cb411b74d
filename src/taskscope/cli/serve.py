"""`taskscope serve`: the server of one home."""

from __future__ import annotations

from importlib.metadata import version

import click
import msgspec

from taskscope import app
from taskscope.cli.session import Session, options
from taskscope.server.application import create_app
from taskscope.server.listening import listen, serve, url


@click.command("serve")
@options
@click.option("--host", default="127.0.0.1", show_default=True, help="An address of this machine alone, for now.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
def command(session: Session, host: str, port: int) -> None:
    """Serve the API, and drain, sweep and forget beside it; ends with SIGTERM or Ctrl-C."""
    home = app.Home(session.settings.home)
    with listen(host, port) as listener, home.serving(), session.store() as store:
        app.log_to(home, session.settings.log_level)

        def ready() -> None:
            if session.json:
                click.echo(msgspec.json.encode({"url": url(listener)}))
            click.echo(f"Taskscope serves on {url(listener)}", err=True)

        application = create_app(
            store, session.settings, loops=app.loops(session.settings, store), version=version("taskscope")
        )
        serve(application, listener, ready)
