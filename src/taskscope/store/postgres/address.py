"""The URL of a database, read without ever showing its password."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from taskscope.errors import UsageError

_FORM = "write postgresql://USER:PASSWORD@HOST:5432/DATABASE"
_ESCAPE = "in a password write @ as %40, / as %2F and % as %25"

# A connection that hangs is noticed by us, and one that we leave hanging by the server (see connection.SETTINGS).
_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "application_name": "taskscope",
}


def conninfo(url: str) -> str:
    """Give what to connect with.

    Raises
    ------
    UsageError
        The URL can't be read. What stands in it is not repeated: a password with a character that must be escaped
        may stand anywhere.
    """
    try:
        values = conninfo_to_dict(url)
    except (psycopg.Error, UnicodeError):
        raise UsageError(f"the URL of the store names no PostgreSQL; {_FORM}; {_ESCAPE}") from None
    host, port, database = (str(values.get(name) or "") for name in ("host", "port", "dbname"))
    # What libpq would say of these later holds a part of the password.
    if "@" in host + database or not all(one.isdecimal() for one in port.split(",") if one):
        raise UsageError(f"the URL of the store can't be read; {_FORM}; {_ESCAPE}")
    return make_conninfo("", **{**_DEFAULTS, **values})


def place(info: str) -> str:
    """Name a database as an error may show it: host, port and database."""
    values = conninfo_to_dict(info)
    database = values.get("dbname") or values.get("user") or ""
    return f"{values.get('host') or 'this machine'}:{values.get('port') or 5432}/{database}"
