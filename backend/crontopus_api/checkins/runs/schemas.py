from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from crontopus_api.jobs.schemas import RunState
from crontopus_api.kit.paging import PageQuery
from crontopus_api.kit.schemas import EndpointRef, JobRef, Schema, Time


class RunOutputOut(Schema):
    bytes: int
    total_bytes: int
    truncated: bool


class RunOut(Schema):
    id: UUID
    job: JobRef
    instance_id: UUID
    endpoint: EndpointRef | None
    state: RunState
    slot_at: Time | None
    started_at: Time | None
    finished_at: Time | None
    duration_seconds: float | None
    exit_code: int | None
    source: Literal["agent", "ping", "api"]
    commit: str | None
    message: str | None
    output: RunOutputOut | None


class RunQuery(PageQuery):
    job: str | None = Field(None, max_length=127, description="namespace/name")
    namespace: str | None = Field(None, max_length=63)
    endpoint_id: UUID | None = None
    state: RunState | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


def seconds(value: int | None) -> float | None:
    return None if value is None else value / 1000
