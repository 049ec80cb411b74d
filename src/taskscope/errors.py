"""The one error tree of Taskscope.

Every error that Taskscope raises on purpose is a `TaskscopeError`. A caller decides what to do by two things alone:
the class says whose fault it is, `retryable` says whether the same call may succeed later with nothing changed.
"""


class TaskscopeError(Exception):
    """Raised when Taskscope can't do what it was asked; the root of all its errors.

    Attributes
    ----------
    retryable
        True where the same call, repeated a little later, may succeed.
    """

    retryable: bool = False


class UsageError(TaskscopeError):
    """Raised when the caller asks for something that makes no sense; a command ends with exit code 2."""


class InputError(TaskscopeError):
    """Raised when an input is refused; it names what was refused and what to send instead.

    Parameters
    ----------
    message
        What is wrong, in one sentence.
    field
        Name of the refused field, empty where the whole input is refused.
    value
        The refused value as text, cut by the caller to a readable length.
    remedy
        What to send instead.
    """

    def __init__(self, message: str, *, field: str = "", value: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.value = value
        self.remedy = remedy

    def __str__(self) -> str:
        """Join message, value and remedy into one readable line."""
        text = str(self.args[0])
        if self.field and self.field not in text:
            text = f"{self.field}: {text}"
        if self.value:
            text = f"{text} (got {self.value})"
        return f"{text}; {self.remedy}" if self.remedy else text


class StoreError(TaskscopeError):
    """Raised when the store can't answer or can't keep what it was given."""


class StoreBusyError(StoreError):
    """Raised when the store is locked or saturated by others; the same batch may be sent again."""

    retryable = True


class StoreUndoneError(StoreBusyError):
    """Raised when the store undid a transaction for reasons of its own: a deadlock, a lost connection.

    Nothing of it has become true, or all of it, where the connection was lost while it committed. Accepting the same
    facts again is right in both cases.
    """


class HomeError(TaskscopeError):
    """Raised when the home folder is unusable, or another server holds it."""


class SpoolError(TaskscopeError):
    """Raised when the spool can't be read or written; what is already in it stays there."""


class ServerAwayError(TaskscopeError):
    """Raised when a server can't be reached, is saturated, or gives an answer that is none; nothing was lost by that.

    Parameters
    ----------
    kind
        What went wrong in a word that stays the same while it goes wrong the same way.
    message
        What went wrong.
    retry_after_s
        How long the server asks to be left alone, seconds.
    """

    retryable = True

    def __init__(self, kind: str, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s


class AccessDeniedError(ServerAwayError):
    """Raised when a server refuses the token; somebody has to give another one."""


class BatchRefusedError(TaskscopeError):
    """Raised when a server refuses a batch as a whole: it is malformed or too large, and a part of it may not be."""


class CallRefusedError(TaskscopeError):
    """Raised when a call to another server is not made, since its address is none or must not be reached."""
