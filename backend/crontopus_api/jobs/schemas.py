from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from crontopus_api.kit.paging import PageQuery
from crontopus_api.kit.schemas import EndpointRef, ErrorDetail, JobRef, Schema, Time

InstanceState = Literal["new", "healthy", "running", "late", "missed", "failing", "stuck", "paused"]
JobState = Literal[InstanceState, "none"]
RunState = Literal["running", "success", "failure", "timeout", "skipped", "lost", "missed"]


class RunBrief(Schema):
    id: UUID
    state: RunState
    started_at: Time | None
    finished_at: Time | None
    duration_seconds: float | None
    exit_code: int | None


class InstanceCounts(Schema):
    total: int
    by_state: dict[str, int]


class JobSummary(JobRef):
    mode: Literal["agent", "ping"]
    schedule: list[str]
    timezone: str
    enabled: bool
    paused: bool
    labels: dict[str, str]
    description: str | None
    state: JobState = Field(description="The worst of its instances' states; none: it is expected nowhere.")
    instances: InstanceCounts
    next_run_at: Time | None
    last_run: RunBrief | None
    commit: str = Field(description="The commit that last changed this job.")
    updated_at: Time
    errors: list[ErrorDetail] = Field(
        description="Why the file's newest version is not in force; empty: it is."
    )


class ConditionOut(Schema):
    type: Literal["Ready", "Reconciling", "Stalled", "Drifted", "Suspended"]
    reason: str
    message: str
    at: Time


class InstanceOut(Schema):
    id: UUID
    job: JobRef
    endpoint: EndpointRef | None
    state: InstanceState
    since: Time
    due_at: Time | None
    deadline_at: Time | None
    last_run: RunBrief | None
    condition: ConditionOut | None = Field(
        description="What the endpoint's agent last said; null in ping mode."
    )


class JobOut(JobSummary):
    manifest: dict[str, Any]
    yaml: str = Field(description="The file as it stands in the repository.")
    path: str
    etag: str = Field(description="For If-Match: the file's blob id.")
    schedule_text: str = Field(description="The schedule in plain English.")
    ping_url: str | None = Field(description="Null in agent mode, and for those who may not report runs.")
    instances_list: list[InstanceOut]


class NextRun(Schema):
    at: Time
    local: str = Field(description="The same instant in the job's timezone, ISO 8601 with offset.")


class NextRuns(Schema):
    items: list[NextRun]
    timezone: str


class NamespaceOut(Schema):
    name: str
    jobs: int


class JobQuery(PageQuery):
    namespace: str | None = Field(None, max_length=63)
    state: JobState | None = None
    q: str | None = Field(None, max_length=100, description="Part of the job's or namespace's name.")


class InstanceQuery(PageQuery):
    job: str | None = Field(None, max_length=127, description="namespace/name")
    endpoint_id: UUID | None = None
