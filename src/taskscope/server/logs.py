"""What a server says of itself: one JSON object a line, in files that rotate, readable by their owner alone.

Nothing that belongs to users goes into a log: messages name counts, paths and ids. What slips into one by the text of
somebody else's exception is cut to a length, and what looks like a secret is struck out.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any, NamedTuple

from taskscope.server.access.tokens import SHAPE

if TYPE_CHECKING:
    from io import TextIOWrapper
    from pathlib import Path

FILE_BYTES = 10 << 20
OLD_FILES = 5
TEXT_LIMIT = 8_000
"""How many characters of a message, a traceback or another text are kept."""

_SECRETS = re.compile(
    r"(?P<name>(?:authorization|bearer|token|passw(?:or)?d|secret|api[_-]?key|cookie)s?[\"']?\s*[:= ]\s*[\"']?"
    r"(?:bearer\s+)?)(?P<value>[^\s\"',;]+)"
    r"|(?P<url>://[^\s/:@]*:)[^\s/@]+(?=@)"
    rf"|{SHAPE}",  # a token of our own, wherever it stands
    re.IGNORECASE,
)
_LINE_BREAKS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}  # JSON leaves these as they are
_KNOWN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_LOGGERS = ("taskscope", "uvicorn", "asyncio")


class _File(NamedTuple):
    """A file: where it lies in the folder, which loggers write to it, and from which level on."""

    name: str
    loggers: tuple[str, ...]
    level: int = logging.NOTSET


FILES = (
    _File("monitoring.log", _LOGGERS),
    _File("scheduler.log", ("taskscope.scheduler",)),
    _File("alerts/alerts.log", ("taskscope.alerts",)),
    _File("monitoring_results/results.log", ("taskscope.results",)),
    _File("errors/errors.log", _LOGGERS, logging.ERROR),
)


def log_to(folder: Path, level: str) -> None:
    """Let this process log to the files of a folder; where that can't be written, to standard error.

    Parameters
    ----------
    folder
        Made when it is missing.
    level
        From which level on.
    """
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(level)
    try:
        handlers = [(file, _handler(folder, file)) for file in FILES]
    except OSError as error:
        sys.stderr.write(f"Warning: no logs are kept: {folder} can't be written: {error}\n")
        told = logging.StreamHandler(sys.stderr)
        told.setFormatter(JsonLines())
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(told)
        return
    for file, handler in handlers:
        for name in file.loggers:
            logging.getLogger(name).addHandler(handler)


def stop_logging() -> None:
    """Close the files."""
    for name in {name for file in FILES for name in file.loggers}:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if isinstance(handler.formatter, JsonLines):
                logger.removeHandler(handler)
                handler.close()


def _handler(folder: Path, file: _File) -> logging.Handler:
    path = folder / file.name
    for made in (folder, path.parent):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"{path.parent} is not yours to write")
    handler = _PrivateFile(path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
    handler.setLevel(file.level)
    handler.setFormatter(JsonLines())
    return handler


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object: time, level, logger, message, exception, and what it carries beside."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; a line break in it can't begin another one."""
        document: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _readable(record.getMessage()),
        }
        if record.exc_info:
            document["exception"] = _readable(self.formatException(record.exc_info))
        beside = {key: value for key, value in vars(record).items() if key not in _KNOWN}
        document |= {key: _readable(value) for key, value in beside.items() if key not in document}
        return json.dumps(document, ensure_ascii=False).translate(_LINE_BREAKS)


class _PrivateFile(RotatingFileHandler):
    """A file that rotates, for its owner alone, and that says once when it can't be written."""

    _failing = False

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self.baseFilename, flags, 0o600)
        return os.fdopen(fd, "a", encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - what logging calls
        if not self._failing:
            self._failing = True
            sys.stderr.write(f"Warning: {self.baseFilename} can't be written: {sys.exc_info()[1]}\n")


def _readable(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    if len(text) > TEXT_LIMIT:
        # The end of a traceback says what happened, its beginning where.
        text = f"{text[: TEXT_LIMIT // 2]} ... {text[-TEXT_LIMIT // 2 :]}"
    return _SECRETS.sub(_struck_out, text)


def _struck_out(found: re.Match[str]) -> str:
    return f"{found['url'] or found['name'] or ''}***"
