"""The kinds of values that answers hold, with their units, for the description of the API."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

Instant = Annotated[str, Meta(description="RFC 3339, UTC", extra_json_schema={"format": "date-time"})]
Milliseconds = Annotated[float, Meta(description="Milliseconds")]
Ratio = Annotated[float, Meta(description="0 to 1", ge=0, le=1)]
Change = Annotated[
    float, Meta(description="Relative to the earlier period: 0.5 is half as much again, -1 nothing is left")
]
Cursor = Annotated[str, Meta(description="Send it as `cursor` for the next page; null on the last one")]
State = Literal["PENDING", "PROCESSING", "RETRYING", "COMPLETED", "FAILED"]
Outcome = Literal["succeeded", "failed", "timed_out", "cancelled", "lost"]
Level = Literal["none", "low", "medium", "high"]
