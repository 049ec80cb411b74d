"""How a refusal of input reads: the field, what is wrong with it, its value, and the remedy."""

from __future__ import annotations

from taskscope.errors import InputError

NAME_LIMIT = 200
"""The most characters of a name."""
_VALUE_LIMIT = 80


def refuse(field: str, value: object, message: str, remedy: str) -> InputError:
    """Make the refusal of a field: what is wrong with it, its value, and what to send instead."""
    return InputError(f"{field} {message}", field=field, value=shown(value), remedy=remedy)


def shown(value: object) -> str:
    """Show a value in an error, cut to a readable length."""
    text = "" if value is None else repr(value)
    return text if len(text) <= _VALUE_LIMIT else text[: _VALUE_LIMIT - 1] + "…"


def bad_name(field: str, value: str, limit: int = NAME_LIMIT) -> InputError:
    """Make the refusal of a name that is empty, too long, or holds NUL."""
    if not value:
        return refuse(field, value, "is empty", "leave the field out, or give a name")
    if "\0" in value:
        return refuse(field, value, "holds a NUL character", "take it out of the name")
    return refuse(field, value, f"has {len(value)} characters, more than {limit}", "use a shorter name")
