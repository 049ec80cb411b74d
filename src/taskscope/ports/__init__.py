"""The ports: what the middle of the house asks of its edges, in words of the domain.

A store keeps facts and what follows from them. It is written through a `Ledger`, one transaction long: all of it
becomes true or none of it, and nobody else writes meanwhile (on an embedded store) or to the same rows (on a server).
It is read through `Questions`, one consistent view long. Instants are integer microseconds UTC everywhere.
"""

from taskscope.ports.access import Access
from taskscope.ports.archive import Archive, Keep
from taskscope.ports.audit import Audit, Damage, Inspection, StoredBoot, StoredFact, StoredJob, StoredTask
from taskscope.ports.following import Changes, Position, Watch
from taskscope.ports.ledger import ColumnLedger, Ledger, Settled, TaskChange
from taskscope.ports.packs import Packs
from taskscope.ports.questions import FailureQuestions, Flow, HistoryQuestions, Questions, Reading
from taskscope.ports.rows import (
    BootKey,
    BootRow,
    BusyRow,
    Endings,
    FailureGroup,
    Filter,
    Identity,
    LastRun,
    Name,
    PresenceRow,
    RunRow,
    Search,
    TaskKey,
    TaskRow,
    Waiting,
)
from taskscope.ports.store import Store

__all__ = [
    "Access",
    "Archive",
    "Audit",
    "BootKey",
    "BootRow",
    "BusyRow",
    "Changes",
    "ColumnLedger",
    "Damage",
    "Endings",
    "FailureGroup",
    "FailureQuestions",
    "Filter",
    "Flow",
    "HistoryQuestions",
    "Identity",
    "Inspection",
    "Keep",
    "LastRun",
    "Ledger",
    "Name",
    "Packs",
    "Position",
    "PresenceRow",
    "Questions",
    "Reading",
    "RunRow",
    "Search",
    "Settled",
    "Store",
    "StoredBoot",
    "StoredFact",
    "StoredJob",
    "StoredTask",
    "TaskChange",
    "TaskKey",
    "TaskRow",
    "Waiting",
    "Watch",
]
