"""Settings, parsed and validated once: from the environment, and from `taskscope.yaml` in the home folder.

What stands in the environment wins over the file, what stands on the command line over both. `sweep_interval_s` is
`TASKSCOPE_SWEEP_INTERVAL_S` in the environment. A value that makes no sense ends the program with the name of the
variable or file that it stands in: to go on with another value than the one that was written would be a guess.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import yaml

from taskscope.core.normalise import convert_event
from taskscope.core.refusal import shown
from taskscope.core.registry import FIELDS
from taskscope.errors import InputError, UsageError
from taskscope.sdk.address import URL_VARIABLE
from taskscope.sdk.home import resolve_home

FILE_NAME = "taskscope.yaml"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_PREFIX = "TASKSCOPE_"
_IN_FILE = "_FILE"
_JOBS, _SERVICE = "jobs", "service"
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_CENTURY_DAYS = 36_500
_Days = Annotated[int, msgspec.Meta(ge=1, le=_CENTURY_DAYS)]
_Runs = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
_Sample = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
_Year = Annotated[float, msgspec.Meta(gt=0, le=31_622_400)]
_Rate = Annotated[float, msgspec.Meta(ge=1, le=1_000_000)]
_Hosts = tuple[Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9:]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9:])?$")], ...]
_Networks = tuple[str, ...]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set.

    Attributes
    ----------
    home
        The home folder.
    store
        URL of the store; empty for the embedded one in the home.
    url
        The server to which the facts of the home go; empty where they go into the store. From the environment alone,
        because the SDK in an application reads no file.
    zone
        Time zone of dates and schedules.
    log_level
        One of `LOG_LEVELS`.
    retention_events_days, retention_minutes_days, retention_hours_days
        How long facts, minute cells and hour cells are kept.
    keep_runs
        Newest finished runs of each job that outlive the facts.
    sample_size
        How many of a job's newest finished runs its durations are taken from, where a question names no window.
    sweep_interval_s
        How often a server looks for runs that are over without having said so.
    stuck_after_s
        How long something may wait before it is shown as stuck.
    performance_monitor_interval
        How often the live stream tells the performance, seconds.
    hosts
        Public names and addresses under which the server is reached, beside those of this machine.
    requests_per_s
        How many requests a token has a second, on average; ten seconds of them at once.
    outgoing_networks
        Networks of private addresses that calls to other servers may reach, as CIDR.
    jobs
        By (service, job), what the file says of jobs: fields of `job.registered`.
    """

    home: Path
    store: str = ""
    url: str = ""
    zone: ZoneInfo = ZoneInfo("UTC")
    log_level: str = "INFO"
    retention_events_days: int = 14
    retention_minutes_days: int = 14
    retention_hours_days: int = 90
    keep_runs: int = 1000
    sample_size: int = 1000
    sweep_interval_s: float = 5.0
    stuck_after_s: float = 3600.0
    performance_monitor_interval: float = 30.0
    hosts: tuple[str, ...] = ()
    requests_per_s: float = 200.0
    outgoing_networks: tuple[str, ...] = ()
    jobs: Mapping[tuple[str, str], Mapping[str, Any]] = {}


class _Field(NamedTuple):
    kind: Any
    remedy: str


_FIELDS = {
    "store": _Field(str, "send a URL such as sqlite:////var/lib/taskscope/taskscope.db"),
    "timezone": _Field(str, "name a zone of the IANA database, such as Europe/Berlin or UTC"),
    "log_level": _Field(str, "use one of " + ", ".join(LOG_LEVELS)),
    "retention_events_days": _Field(_Days, f"use a whole number of days from 1 to {_CENTURY_DAYS}"),
    "retention_minutes_days": _Field(_Days, f"use a whole number of days from 1 to {_CENTURY_DAYS}"),
    "retention_hours_days": _Field(_Days, f"use a whole number of days from 1 to {_CENTURY_DAYS}"),
    "keep_runs": _Field(_Runs, "use a whole number from 0 to 1000000"),
    "sample_size": _Field(_Sample, "use a whole number from 1 to 100000"),
    "sweep_interval_s": _Field(_Seconds, "use a number of seconds above 0, up to 3600"),
    "stuck_after_s": _Field(_Year, "use a number of seconds above 0, up to 31622400, a year"),
    "performance_monitor_interval": _Field(_Seconds, "use a number of seconds above 0, up to 3600"),
    "hosts": _Field(_Hosts, "use names such as monitor.example.com, without scheme and port"),
    "requests_per_s": _Field(_Rate, "use a number from 1 to 1000000"),
    "outgoing_networks": _Field(_Networks, "use networks such as 10.0.0.0/8"),
}


def load(home: str | None = None, store: str | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Parameters
    ----------
    home, store
        What the command line says, None where it says nothing.
    environment
        The environment variables; those of this process by default.

    Raises
    ------
    UsageError
        A value makes no sense, a key of the file is unknown, or the file can't be read.
    """
    environment = os.environ if environment is None else environment
    folder = resolve_home(home or environment.get(_PREFIX + "HOME"))
    values = _from_file(folder)
    for field in _FIELDS:
        for name in _variables(field):
            if given := environment.get(name):  # an empty variable counts as unset
                values[field] = _converted(field, _content_of(name, given), name, strict=False)
                break
    if store:
        values["store"] = store
    if "timezone" in values:
        values["zone"] = values.pop("timezone")
    return Settings(home=folder, url=environment.get(URL_VARIABLE, "").strip(), **values)


def _variables(field: str) -> tuple[str, ...]:
    """Name the environment variables of a setting, the weightier first."""
    own = _PREFIX + field.upper()
    return (own, *{"log_level": ("LOG_LEVEL",), "store": (own + _IN_FILE,)}.get(field, ()))


def _content_of(name: str, given: str) -> str:
    """Give what a variable says, or what stands in the file that it names: the place for a URL with a password."""
    if not name.endswith(_IN_FILE):
        return given
    try:
        return Path(given).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(
            f"{name} names a file that can't be read ({reason}); name one in UTF-8 that you may read"
        ) from error


def _content(path: Path) -> dict[Any, Any]:
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):  # whoever needs the folder will say what is wrong with it
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}; make it a text file in UTF-8 that you may read") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{path} is no YAML: {_explained(error)}; write one `key: value` a line") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds {shown(content)}; write one `key: value` a line")
    return content


def _from_file(home: Path) -> dict[str, Any]:
    path = home / FILE_NAME
    values: dict[str, Any] = {}
    for key, value in _content(path).items():
        if key == _JOBS:
            values[key] = _jobs(value, path)
            continue
        if key not in _FIELDS:
            known = ", ".join(sorted((*_FIELDS, _JOBS)))
            raise UsageError(f"{path}: {shown(key)} is no setting; use one of {known}")
        if value is not None:
            values[key] = _converted(key, value, f"{path}: {key}", strict=True)
    relative = "sqlite:///"
    if (url := values.get("store", "")).startswith(relative) and not url.startswith(relative + "/"):
        # The file belongs to the home, not to the folder that a command happens to be started in.
        values["store"] = f"{relative}{home / url.removeprefix(relative)}"
    return values


def _jobs(value: Any, path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Read what the file says of jobs, by (service, job)."""
    source = f"{path}: {_JOBS}"
    try:
        described = msgspec.convert({} if value is None else value, dict[_Name, dict[str, Any]])
    except msgspec.ValidationError as error:
        raise UsageError(f"{source} is {shown(value)}; write the fields of a job under its name") from error
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for job, fields in described.items():
        unknown = sorted(str(field) for field in fields.keys() - {*FIELDS, _SERVICE})
        if unknown:
            known = ", ".join((_SERVICE, *FIELDS))
            raise UsageError(f"{source}: {shown(job)}: {shown(unknown[0])} is no field of a job; use one of {known}")
        service = fields.get(_SERVICE, "default")
        said = {field: value for field, value in fields.items() if field != _SERVICE}
        try:
            convert_event({"type": "job.registered", "time": 0, "service": service, "job": job, "data": said})
        except InputError as error:
            raise UsageError(f"{source}: {shown(job)}: {error}") from error
        found[service, job] = said
    return found


def _explained(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())


def _converted(field: str, value: Any, source: str, *, strict: bool) -> Any:
    kind, remedy = _FIELDS[field]
    refusal = UsageError(f"{source} is {shown(value)}; {remedy}")
    if not strict and kind in (_Hosts, _Networks):
        value = [part.strip() for part in value.split(",")]
    try:
        converted = msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise refusal from error
    if field == "outgoing_networks":
        _check_networks(converted, refusal)
    if field == "timezone":
        return _zone(converted, refusal)
    if field == "log_level":
        level = {"WARN": "WARNING"}.get(converted.upper(), converted.upper())
        if level not in LOG_LEVELS:
            raise refusal
        return level
    return converted


def _check_networks(networks: tuple[str, ...], refusal: UsageError) -> None:
    try:
        for network in networks:
            ipaddress.ip_network(network)
    except ValueError as error:
        raise refusal from error


def _zone(name: str, refusal: UsageError) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, no path of the database, a folder of it
        raise refusal from error
