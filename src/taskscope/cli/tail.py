"""`taskscope tail`: facts from what a task system says by itself, for applications that can't be changed."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING, Any

import click
import msgspec

from taskscope import app
from taskscope.cli.session import Session, options
from taskscope.errors import UsageError
from taskscope.integrations.celery_events import Translator
from taskscope.integrations.reporting import Reporter

if TYPE_CHECKING:
    from pathlib import Path

BOOTS = "celery-boots.json"
_log = logging.getLogger("taskscope")


@click.group("tail")
def command() -> None:
    """Listen to a task system, for applications that can't be changed."""


@command.command("celery")
@options
@click.option("--broker", metavar="URL", required=True, help="The application's broker, such as redis://host:6379/0.")
@click.option("--service", default="default", show_default=True, help="Which application.")
@click.option("--exchange", default="celeryev", show_default=True, help="Its setting event_exchange.")
@click.option("--key-prefix", metavar="TEXT", help="Its transport option global_keyprefix (Redis).")
@click.option("--enable-events", is_flag=True, help="Have workers that send no events (no -E) begin to.")
def celery(
    session: Session, *, broker: str, service: str, exchange: str, key_prefix: str | None, enable_events: bool
) -> None:
    """Turn Celery's events into facts, until SIGTERM or Ctrl-C.

    Workers send events when they are started with -E. Events that are sent while nobody listens are lost.
    """
    try:
        from taskscope.integrations.celery_stream import Stream  # noqa: PLC0415 - Celery is an extra
    except ImportError as error:
        raise UsageError(f"Celery can't be used here ({error}); install taskscope[celery]") from error
    home = app.Home(session.settings.home)
    translator = Translator(service, _read(home.path / BOOTS))
    reporter = Reporter(service, home=home.path)

    def hear(event: dict[str, Any]) -> None:
        known = dict(translator.boots)
        for fact in translator.facts(event):
            reporter.put(fact)
        if translator.boots != known:
            _write(home.path / BOOTS, translator.boots)

    def ready(address: str) -> None:
        click.echo(f"Taskscope listens to Celery at {address}", err=True)

    stream = Stream(
        broker, exchange=exchange, key_prefix=key_prefix, enable_events=enable_events, hear=hear, ready=ready
    )
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: setattr(stream, "should_stop", True))
    stream.run()
    reporter.close()


def _read(boots: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(boots.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}


def _write(boots: Path, known: dict[str, str]) -> None:
    try:
        part = boots.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(known))
        part.replace(boots)
    except OSError as error:
        _log.warning("taskscope could not keep the boots of the workers: %s", error)
