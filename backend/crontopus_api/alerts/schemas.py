from typing import Literal
from uuid import UUID

from crontopus_api.kit.paging import PageQuery
from crontopus_api.kit.schemas import EndpointRef, JobRef, Schema, Time

IncidentState = Literal["open", "resolved"]


class IncidentOut(Schema):
    id: UUID
    kind: Literal["missed", "failing", "stuck"]
    state: IncidentState
    severity: Literal["info", "warning", "error", "critical"]
    title: str
    cause: str | None
    job: JobRef | None
    endpoint: EndpointRef | None
    instance_id: UUID | None
    opened_at: Time
    resolved_at: Time | None


class IncidentEventOut(Schema):
    at: Time
    kind: Literal["opened", "changed", "notified", "notify_failed", "resolved"]
    message: str


class IncidentDetail(IncidentOut):
    events: list[IncidentEventOut]


class IncidentQuery(PageQuery):
    state: IncidentState | None = None
