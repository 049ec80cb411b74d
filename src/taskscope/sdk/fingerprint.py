"""What makes two failures the same: the type of the error and the functions that it came through.

1. The type, with its module unless built in.
2. The frames of the traceback from the outermost on, each as `module:qualified name`, without those of this package.
   Line numbers and paths are left out: the same failure has one fingerprint after an unrelated edit, and on each host.
3. Comprehensions are no functions of their own in every version of Python, so their frames are left out.
4. Each function counts where it first appears: how deep a recursion went is a matter of arguments.
5. In names, what looks like an address or an id (`0x7f3a...`, eight and more hexadecimal digits) becomes `#`.
6. Of a group of exceptions, the fingerprints of its members follow, each once, in order.
7. BLAKE2b of the lines, 64 bits, as 16 hexadecimal digits.

Neither message nor arguments enter. The hash is no secret and no proof: it groups.
"""

import re
from types import TracebackType

_DIGEST_BYTES = 8
_GROUP_LEVELS = 5
_COMPREHENSIONS = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})
_IDS = r"0x[0-9a-fA-F]+|(?=[a-f]*[0-9])[0-9a-f]{8,}"


def fingerprint(error: BaseException, trace: TracebackType | None, *, levels: int = _GROUP_LEVELS) -> str:
    """Give the fingerprint of an error.

    Parameters
    ----------
    error
        The error.
    trace
        Its traceback, without frames of this package at its top.
    levels
        How deep groups of exceptions are looked into.
    """
    from hashlib import blake2b  # noqa: PLC0415 - it loads OpenSSL, which a process without failures need not pay for

    lines = [re.sub(_IDS, "#", line) for line in (type_name(error), *_functions(trace))]
    if levels and isinstance(error, BaseExceptionGroup):
        lines += sorted({fingerprint(one, one.__traceback__, levels=levels - 1) for one in error.exceptions})
    return blake2b("\n".join(lines).encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).hexdigest()


def type_name(error: BaseException) -> str:
    """Name the type of an error, with its module unless built in."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _functions(trace: TracebackType | None) -> list[str]:
    found: dict[str, None] = {}
    while trace is not None:
        frame = trace.tb_frame
        name = frame.f_code.co_qualname
        if name.rpartition(".")[2] not in _COMPREHENSIONS:
            found[f"{frame.f_globals.get('__name__', '?')}:{name}"] = None
        trace = trace.tb_next
    return list(found)
