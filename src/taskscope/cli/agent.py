"""`taskscope agent`: ships the spool of a host to a server."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import msgspec

import taskscope.sdk.scope as sdk
from taskscope import app
from taskscope.cli.session import Session, options
from taskscope.errors import HomeError, UsageError
from taskscope.sdk import shipping
from taskscope.sdk.address import TOKEN_VARIABLE, URL_VARIABLE, parse_address, read_token
from taskscope.sdk.locks import FileLock
from taskscope.server.logs import log_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskscope.sdk.address import Address

AGENT_LOCK = "agent.lock"
SERVICE = "taskscope"
ROLE = "agent"


@click.command("agent")
@options
@click.option("--url", metavar="URL", help=f"The server ({URL_VARIABLE}); its token stands in {TOKEN_VARIABLE}.")
@click.option("--name", metavar="NAME", help="The agent's name as a worker (default: agent-HOST).")
def command(session: Session, url: str | None, name: str | None) -> None:
    """Ship what is recorded in the home to a server, and say that this host is there; ends with SIGTERM or Ctrl-C."""
    address = _address(url or session.settings.url)
    home = app.Home(session.settings.home)
    name = name or f"{ROLE}-{os.uname().nodename}"
    with _only_one(home):
        log_to(home.logs, session.settings.log_level)
        _warn_on_stderr()
        stop = _stop()
        scope = sdk.connect(SERVICE, home=home.path, worker=name, role=ROLE)
        shipping.begin(home.path, address)
        scope.present()
        if session.json:
            click.echo(msgspec.json.encode({"home": str(home.path), "url": str(address), "worker": name}))
        click.echo(f"Taskscope ships {home.path} to {address}", err=True)
        stop.wait()
        scope.close()
        shipping.finish()


def _address(url: str) -> Address:
    if not url:
        raise UsageError(f"an agent needs a server to ship to; give --url http://host:port, or set {URL_VARIABLE}")
    return parse_address(url, read_token(os.environ))


@contextmanager
def _only_one(home: app.Home) -> Iterator[None]:
    lock = FileLock(home.path / AGENT_LOCK)
    try:
        held = lock.take()
    except OSError as error:
        raise HomeError(f"the home folder {home.path} can't be locked: {error}") from error
    if not held:
        refusal = HomeError(f"another agent ships the home {home.path}; stop it, or name another home with --home")
        refusal.retryable = True
        raise refusal
    try:
        yield
    finally:
        lock.free()


def _stop() -> threading.Event:
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    return stop


def _warn_on_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logging.getLogger("taskscope").addHandler(handler)
