"""`taskscope serve`: the server of one home."""

from __future__ import annotations

import logging
import os
import socket
from importlib.metadata import version
from typing import TYPE_CHECKING

import click
import msgspec

from taskscope import app
from taskscope.cli.session import Session, options
from taskscope.core.access import ADMIN_NAME
from taskscope.errors import TaskscopeError
from taskscope.server.access.sessions import Link
from taskscope.server.access.tokens import ADMIN_FILE, ensure_admin, is_decided
from taskscope.server.application import create_app
from taskscope.server.hosts import is_loopback
from taskscope.server.listening import listen, serve, tell_manager, url
from taskscope.server.logs import log_to

if TYPE_CHECKING:
    from taskscope.ports import Store

_log = logging.getLogger("taskscope")


@click.command("serve")
@options
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen; beyond this machine takes a token."
)
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
def command(session: Session, host: str, port: int) -> None:
    """Serve the API, and drain, sweep and forget beside it; ends with SIGTERM or Ctrl-C."""
    home, link = app.Home(session.settings.home), Link()
    with home.serving(), session.store() as store, _listening(store, host, port) as listener:
        log_to(home.logs, session.settings.log_level)
        is_first = ensure_admin(store, home.path, app.now_us())

        def ready() -> None:
            try:
                home.announce(url(listener))
            except OSError as error:  # only the doctor asks for it
                _log.warning("the address can't be written into the home: %s", error)
            if session.json:
                click.echo(msgspec.json.encode({"url": url(listener), "pid": os.getpid()}))
            click.echo(f"Taskscope serves on {url(listener)}", err=True)
            if is_first:
                code = link.make(ADMIN_NAME, app.now_us())
                later = f"later with the token in {home.path / ADMIN_FILE}"
                click.echo(f"Sign in within ten minutes by {url(listener)}/sign-in#code={code} ({later})", err=True)
            tell_manager(os.environ.get("NOTIFY_SOCKET", ""))

        application = create_app(
            store,
            session.settings,
            loops=app.loops(session.settings, store),
            version=version("taskscope"),
            spool=lambda: app.spool(session.settings),
            link=link,
        )
        serve(application, listener, ready)
        _drain_once_more(session, store)


def _listening(store: Store, host: str, port: int) -> socket.socket:
    """Listen; beyond this machine only where there is a token, and not without a word about the wire."""
    listener = listen(host, port, beyond=is_decided(store, app.now_us()))
    if not is_loopback(listener.getsockname()[0]):
        click.echo("Warning: tokens travel in the clear beyond this machine; put a proxy with TLS in front", err=True)
    return listener


def _drain_once_more(session: Session, store: Store) -> None:
    """Take what was recorded until the end. A failure loses nothing: the next drain goes on where this one stopped."""
    try:
        app.drain(session.settings, store, app.now_us(), wait=True)
    except (TaskscopeError, OSError) as error:
        _log.error("the last drain failed: %s", error)
        click.echo(f"Warning: the newest facts wait in the spool for the next start: {error}", err=True)
