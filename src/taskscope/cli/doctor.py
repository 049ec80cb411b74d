"""`taskscope doctor`: what is wrong with this installation, and what to do."""

from __future__ import annotations

import os
import platform
import sqlite3
import stat
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group

from taskscope import app
from taskscope.cli import tables
from taskscope.cli.checks import CHECKS
from taskscope.cli.patient import BAD, OK, Finding, Patient
from taskscope.cli.session import Session, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType


@click.command("doctor")
@options
def command(session: Session) -> None:
    """Look at home, store, spool and server, change nothing, and say what is wrong; exits with 1 where something is."""
    patient = Patient(session.settings, os.environ, app.now_us())
    findings = _examine(patient)
    answer = {
        "ok": not any(one.level == BAD for one in findings),
        "problems": [{"what": one.what, "remedy": one.remedy} for one in findings if one.level == BAD],
        "findings": [one._asdict() for one in findings],
        **_facts(patient),
    }
    session.show(answer, lambda: _readable(findings))
    if not answer["ok"]:
        sys.exit(1)


def _examine(patient: Patient) -> list[Finding]:
    """Look at everything. A check that breaks is a finding as well: who calls a doctor has trouble enough."""
    found: list[Finding] = []
    for name, check in CHECKS.items():
        try:
            found += [Finding(name, *one) for one in check(patient)]
        except Exception as error:  # noqa: BLE001 - the other checks go on
            what = f"this could not be looked at: {type(error).__name__}: {error}"
            found.append(Finding(name, BAD, what, "see what the message names"))
    return found


def _facts(patient: Patient) -> dict[str, Any]:
    settings, seen = patient.settings, patient.facts
    path = app.store_file(settings)
    size = path.stat().st_size if path is not None and path.exists() else 0
    exists = settings.home.is_dir()
    mode = f"{stat.S_IMODE(settings.home.stat().st_mode):04o}" if exists else None
    return {
        "home": {"path": str(settings.home), "exists": exists, "mode": mode, "served": patient.served},
        "store": {
            "path": app.store_name(settings),
            "schema": seen and seen.schema,
            "bytes": size,
        },
        "spool": app.backlog(settings.home),
        "versions": {
            "taskscope": version("taskscope"),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
        },
    }


def _readable(findings: Sequence[Finding]) -> RenderableType:
    remedies = [
        tables.plain(f"{'Wrong' if one.level == BAD else 'Doubtful'}: {one.what}. Remedy: {one.remedy}.")
        for one in findings
        if one.level != OK
    ]
    shown = tables.table(("check", "level", "found"), [(one.check, one.level, one.what) for one in findings])
    return Group(shown, "", *(remedies or [tables.plain("Nothing is wrong.")]))
