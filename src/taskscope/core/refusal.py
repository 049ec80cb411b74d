"""How a refusal of input reads: the field, what is wrong with it, its value, and the remedy."""

from __future__ import annotations

from taskscope.errors import InputError

_VALUE_LIMIT = 80


def refuse(field: str, value: object, message: str, remedy: str) -> InputError:
    """Make the refusal of a field: what is wrong with it, its value, and what to send instead."""
    return InputError(f"{field} {message}", field=field, value=shown(value), remedy=remedy)


def shown(value: object) -> str:
    """Show a value in an error, cut to a readable length."""
    text = "" if value is None else repr(value)
    return text if len(text) <= _VALUE_LIMIT else text[: _VALUE_LIMIT - 1] + "…"
