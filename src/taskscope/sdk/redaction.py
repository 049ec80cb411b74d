"""Keeping secrets out of what is recorded, before the first write: no file ever holds them.

Three things are masked, each by `***`:

1. In arguments: what stands under a name that says secret (`SECRET_NAMES`, and those that the application adds), at any
   depth, in mappings and in the fields of objects.
2. In any text: the password of a URL (`scheme://user:PASSWORD@host`), and private keys in PEM form.
3. In any text: what is assigned to such a name (`password=...`, `"token": "..."`, `Authorization: Bearer ...`), as it
   stands in messages, in the source lines of tracebacks and in the `repr` of objects.

In doubt more is masked than needed. Task ids and names of jobs, queues and workers are identities and stay as they are.
"""

import re
from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec

from taskscope.sdk.fact import DATA_LIMIT_BYTES, REPR_LIMIT, text

MASK = "***"
SECRET_NAMES = (
    "pass word",
    "passwd",
    "pass phrase",
    "pwd",
    "secret",
    "token",
    "api key",
    "access key",
    "private key",
    "authorization",
    "cookie",
    "credential",
    "session id",
    "密码",
    "密钥",
    "口令",
)
"""Names whose values are masked: case does not matter, nor what joins the words (`PassWord`), nor what is around it."""

_LEVELS = 30  # what a server accepts of arguments
# As texts, which `re` compiles when the first is needed: most processes record neither arguments nor errors.
_IN_URL = (
    r"""(://[^\s/:@"<>]{0,256}):"""
    r"""(?!\d{1,5}(?:[/?#"'\s]|$))"""  # a port is no password
    r"""(?:[^\s"<>/?#]{0,1024}|[^\s"<>@]{0,1024})@"""
)
_PEM = r"(?s)(-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----).*?(?=-----END|\Z)"
_ASSIGNED = (
    r"""(?:s|[-_]\w{0,40})?["']?[ \t]{0,8}[=:](?!=)[ \t]{0,8})"""
    r"""(?:(?:bearer|basic|digest)[ \t]+)?"""
    r"""(?:[bru]{0,2}"(?:[^"\\\n]|\\.)*(?:"|$)|[bru]{0,2}'(?:[^'\\\n]|\\.)*(?:'|$)|[^\s,;&"']+[^\s,;&]*)"""
)


class TooLargeError(Exception):
    """Raised when arguments are too many, too long or too deep to be recorded."""


class Redactor:
    """Masks secrets.

    Parameters
    ----------
    more
        Further names to mask, besides `SECRET_NAMES`; read in the same way.
    """

    def __init__(self, more: Iterable[object] = ()) -> None:
        patterns = [_pattern(name) for name in (*SECRET_NAMES, *map(text, more))]
        self._names = "|".join(pattern for pattern in patterns if pattern)
        self._name: re.Pattern[str] | None = None
        self._assigned: re.Pattern[str] | None = None

    def text(self, given: str) -> str:
        """Mask the secrets in a text."""
        if "://" in given:
            given = re.sub(_IN_URL, rf"\1:{MASK}@", given)
        if "-----BEGIN" in given:
            given = re.sub(_PEM, rf"\1{MASK}", given)
        if ("=" not in given and ":" not in given) or not self._named(given):
            return given
        if self._assigned is None:
            # `max_tokens=512` is a count, so the plural of this one name is left alone in texts.
            names = rf"((?!tokens)(?:{self._names}){_ASSIGNED}"
            self._assigned = re.compile(names, re.IGNORECASE | re.MULTILINE)
        return self._assigned.sub(rf"\1{MASK}", given)

    def arguments(self, args: object) -> dict[str, Any]:
        """Give what a fact's data says of arguments: `args`, masked, or that they had to be left out."""
        try:
            return {"args": _Walk(self).value(args, _LEVELS)}
        except Exception:  # noqa: BLE001 - arguments are foreign objects, they may raise anything
            return {"shortened": True}

    def hides(self, name: str, value: object) -> bool:
        """Tell whether a value is a secret by the name that it stands under."""
        if value is None or isinstance(value, bool) or not self._named(name):
            return False
        return not (isinstance(value, int | float) and name.lower().endswith("tokens"))

    def _named(self, given: str) -> bool:
        """Tell whether a secret name stands anywhere in a text."""
        if self._name is None:
            self._name = re.compile(self._names)
        # Folded before it is searched: a pattern that ignores case is twenty times slower.
        return self._name.search(given.casefold()) is not None


class _Walk:
    """One way through arguments, which copies them into plain values and gives up where they are too large."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._left = DATA_LIMIT_BYTES  # each value and each character takes a byte of JSON at least

    def value(self, value: object, levels: int) -> Any:
        self._spend(1)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            self._spend(len(value))
            return self._redactor.text(str.__str__(value))
        if isinstance(value, int | float):
            return int(value) if isinstance(value, int) else float(value)  # the encoder knows no subclasses
        return self._inner(value, levels)

    def _inner(self, value: object, levels: int) -> Any:
        if levels == 0:
            raise TooLargeError
        fields = value if isinstance(value, dict) else _fields(value)
        if fields is not None:
            return {self._name(key): self._field(key, item, levels - 1) for key, item in fields.items()}
        if isinstance(value, list | tuple | set | frozenset | deque):
            return [self.value(item, levels - 1) for item in value]
        if isinstance(value, bytes | bytearray | memoryview):
            self._spend(len(value))
        return self.value(msgspec.to_builtins(value, enc_hook=self._foreign), levels - 1)

    def _field(self, key: object, item: object, levels: int) -> Any:
        return MASK if self._redactor.hides(text(key), item) else self.value(item, levels)

    def _name(self, key: object) -> str:
        name = text(key)
        self._spend(len(name))
        return self._redactor.text(name)

    def _foreign(self, value: object) -> str:
        # Masked before it is cut: half of a password would not be recognised any more.
        return self._redactor.text(repr(value)[: 10 * REPR_LIMIT])[:REPR_LIMIT]

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise TooLargeError


def _fields(value: object) -> dict[str, Any] | None:
    """Give the named fields of a dataclass, a Struct, an attrs object or a named tuple; None for anything else."""
    kind = type(value)
    for attribute in ("__struct_fields__", "__dataclass_fields__", "_fields"):
        names = getattr(kind, attribute, None)
        if names is not None:
            return {name: getattr(value, name, None) for name in names}
    attributes = getattr(kind, "__attrs_attrs__", None)
    return None if attributes is None else {one.name: getattr(value, one.name, None) for one in attributes}


def _pattern(name: str) -> str:
    """Give the pattern of a name, whatever stands between its words; empty for a name without letters."""
    words = r"[\W_]{0,2}".join(re.escape(word) for word in re.split(r"[\W_]+", name.casefold()) if word)
    # A tokenizer is none.
    return words + "(?!iz)" if words == "token" else words
