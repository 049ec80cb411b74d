"""`taskscope demo`: a real workload to look at."""

from __future__ import annotations

import importlib

import click


@click.command("demo")
@click.option("--home", metavar="DIR", help="Where to keep what it records: an empty folder (default: a new one).")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="End by itself after so many seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
@click.pass_context
def command(ctx: click.Context, home: str | None, seconds: float | None, *, as_json: bool) -> None:
    """Start a server with a real workload, and say where to look; ends with Ctrl-C."""
    # By name: the demonstration is a user of everything, and is loaded by nobody else.
    result = importlib.import_module("taskscope.demo").main(seconds, home, as_json=as_json)
    ctx.exit(int(result or 0))
