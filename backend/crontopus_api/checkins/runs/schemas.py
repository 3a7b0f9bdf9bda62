from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from crontopus_api.checkins.records import Source
from crontopus_api.jobs.schemas import RunState
from crontopus_api.kit.paging import PageQuery
from crontopus_api.kit.schemas import EndpointRef, JobRef, Schema, Time

Format = Literal["json", "csv", "ndjson"]
Label = Annotated[str, StringConstraints(pattern=r"^[^=]{1,128}=[^=]{0,63}$")]
"""`key=value`."""


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
    source: Source
    commit: str | None
    message: str | None
    host: str | None = Field(None, description="Where the sender says it ran.")
    environment: str | None = None
    metrics: dict[str, float] | None = Field(None, description="Numbers the sender reported, by name.")
    output: RunOutputOut | None


class RunQuery(PageQuery):
    job: str | None = Field(None, max_length=127, description="namespace/name")
    namespace: str | None = Field(None, max_length=63)
    label: Annotated[list[Label], Field(max_length=16)] = Field(
        [], description="Runs of jobs with this label, `key=value`; several: with all of them."
    )
    endpoint_id: UUID | None = None
    state: RunState | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    format: Format | None = Field(
        None, description="`csv` and `ndjson` export every run there is, not one page. Default: by `Accept`."
    )


def seconds(value: int | None) -> float | None:
    return None if value is None else value / 1000
