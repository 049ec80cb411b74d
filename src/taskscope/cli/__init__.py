"""The command line: thin commands around the composition root."""

from __future__ import annotations

import gc
import importlib
from typing import Any

import click

from taskscope.errors import HomeError, TaskscopeError, UsageError

_COMMANDS = {
    "agent": "agent",
    "audit": "audit",
    "backup": "backup",
    "demo": "demo",
    "doctor": "doctor",
    "export": "export",
    "import": "importing",
    "percentiles": "percentiles",
    "restore": "restore",
    "runs": "runs",
    "serve": "serve",
    "spool": "spool",
    "stats": "stats",
    "tail": "tail",
    "tick": "tick",
    "token": "token",
    "utilization": "utilization",
    "verify": "verify",
}
"""Commands and the modules that hold them; each defines `command`."""

INTERRUPTED = 130


class Commands(click.Group):
    """The commands, each loaded when it is asked for, and one place where errors become exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click asks so
        """Name the commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """Load a command."""
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(f"taskscope.cli.{module}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command: what the user can mend is one line on stderr, never a traceback."""
        try:
            return super().invoke(ctx)
        except TaskscopeError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(exit_code(error))
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            raise  # click ends quietly when nobody reads any more
        except OSError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(1)


def exit_code(error: TaskscopeError) -> int:
    """Give 2 for wrong use, 1 for everything that went wrong otherwise; a home that another holds is no wrong use."""
    wrong_use = isinstance(error, UsageError) or (isinstance(error, HomeError) and not error.retryable)
    return 2 if wrong_use else 1


def collect_rarely() -> None:
    """Let the collector of cycles run rarely: a batch makes many objects and no cycles, and it costs a tenth of it."""
    gc.freeze()
    gc.set_threshold(1_000_000, 10, 10)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="taskscope", message="taskscope %(version)s")
def main() -> None:
    """Watch background work: tasks, their workers, their schedules and the rows that they leave behind."""
    collect_rarely()
