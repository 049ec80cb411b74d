"""A store, and the ways into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from taskscope.ports.access import Access
    from taskscope.ports.archive import Archive
    from taskscope.ports.audit import Audit
    from taskscope.ports.following import Watch
    from taskscope.ports.ledger import Ledger
    from taskscope.ports.packs import Packs
    from taskscope.ports.questions import Reading


class Store(Protocol):
    """Where facts and what follows from them are kept."""

    def access(self, *, write: bool = False) -> AbstractContextManager[Access]:
        """Open a view of who may do what; with `write` a transaction, without it nothing may be changed."""

    def ledger(self) -> AbstractContextManager[Ledger]:
        """Open a transaction: it commits on a clean exit, and leaves no trace after an exception."""

    def questions(self) -> AbstractContextManager[Reading]:
        """Open a consistent view."""

    def audit(self) -> AbstractContextManager[Audit]:
        """Open a consistent view of everything that is kept."""

    def packs(self) -> AbstractContextManager[Packs]:
        """Open a transaction that packs."""

    def archive(self) -> AbstractContextManager[Archive]:
        """Open a transaction that forgets."""

    def watch(self) -> Watch:
        """Watch for what is written."""

    def close(self) -> None:
        """Let go of all connections."""
