from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from crontopus_api.alerts.kinds import IncidentKind
from crontopus_api.kit.paging import PageQuery
from crontopus_api.kit.schemas import EndpointRef, JobRef, Payload, Schema, Time

IncidentState = Literal["open", "resolved"]
Severity = Literal["info", "warning", "error", "critical"]
IncidentEventKind = Literal[
    "opened",
    "changed",
    "notified",
    "notify_failed",
    "acknowledged",
    "snoozed",
    "resolved",
    "commented",
    "muted",
    "unmuted",
    "folded",
    "flapping",
    "held",
    "reminded",
    "escalated",
]


class IncidentOut(Schema):
    id: UUID
    kind: IncidentKind
    state: IncidentState
    severity: Severity
    title: str
    cause: str | None
    job: JobRef | None
    endpoint: EndpointRef | None
    instance_id: UUID | None
    channel_id: UUID | None
    opened_at: Time
    resolved_at: Time | None
    acknowledged_at: Time | None
    acknowledged_by: str | None
    snoozed_until: Time | None
    parent_id: UUID | None = Field(
        description="The incident that this one is a part of: nobody is told of both."
    )
    children: int = Field(description="How many incidents are, or were, a part of this one.")
    muted: bool
    flapping: bool = Field(
        description="It goes wrong and right again: open until it has been well for a while."
    )


class IncidentEventOut(Schema):
    at: Time
    kind: IncidentEventKind
    message: str


class IncidentDetail(IncidentOut):
    events: list[IncidentEventOut]


class IncidentQuery(PageQuery):
    state: IncidentState | None = None
    kind: IncidentKind | None = None
    severity: Severity | None = None
    job: str | None = Field(
        None, max_length=127, pattern=r"^[^/\x00]+/[^/\x00]+$", description="namespace/name"
    )
    endpoint: UUID | None = None
    parent: UUID | None = Field(None, description="Those that are a part of this one.")
    top: bool = Field(False, description="Without those that are a part of another one.")
    since: AwareDatetime | None = Field(None, description="Opened then or later.")


class Snooze(Payload):
    """At most 30 days."""

    duration_seconds: Annotated[int, Field(ge=60, le=30 * 86_400)] = 3_600


class Comment(Payload):
    """Plain text."""

    text: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[^\x00]+$")]
