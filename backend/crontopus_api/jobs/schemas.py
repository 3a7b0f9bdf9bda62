from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from crontopus_api.kit.paging import DEFAULT_LIMIT, PageQuery
from crontopus_api.kit.schemas import EndpointRef, ErrorDetail, JobRef, Payload, Schema, Time

Message = Annotated[str | None, Field(max_length=2_000, description="The commit's message.")]
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
    by_state: dict[InstanceState, int]


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
    warnings: int = Field(description="How many of its instances have warnings.")
    next_run_at: Time | None
    last_run: RunBrief | None
    commit: str = Field(description="The commit that last changed this job.")
    changed_by: str = Field(description="Its author.")
    changed_at: Time
    updated_at: Time
    errors: list[ErrorDetail] = Field(
        description="Why the file's newest version is not in force; empty: it is."
    )
    violations: list[ErrorDetail] = Field(
        description="The policies this job breaks, each with `policy` and `enforcement`."
    )


class ConditionOut(Schema):
    type: Literal["Ready", "Reconciling", "Stalled", "Drifted", "Suspended"]
    reason: str
    message: str
    at: Time


class WarningOut(Schema):
    code: str = Field(description="overlap, too_often, slow; there may be more.")
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
    usual_seconds: float | None = Field(
        description="What nearly all runs of the last 14 days took; null: there were none."
    )
    warnings: list[WarningOut] = Field(
        description="What is odd about its runs though nothing failed; a normal run ends them."
    )
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
    schedule_text: str = Field(description="The schedule in plain English.")
    clock_changes: list["ClockChange"] = Field(
        description="What the coming year's changes of the clock do to this schedule."
    )


class ClockChange(Schema):
    at: Time = Field(description="When the clock changes.")
    kind: Literal["skipped", "moved", "doubled", "once_of_two"]
    slots: list[Time] = Field(description="The runs that result: none, one instead, or two.")
    text: str = Field(description="The same in plain English.")


class FieldChange(Schema):
    path: str = Field(description="Dotted place in the manifest, for example spec.schedule.")
    before: Any
    after: Any


class JobChange(Schema):
    """One job that would be added, changed, removed or moved."""

    action: Literal["added", "changed", "removed", "moved"]
    id: UUID
    namespace: str
    name: str
    path: str
    moved_from: str | None
    fields: list[FieldChange] = Field(description="The settings that differ; empty for comments and layout.")
    endpoints_gained: list[EndpointRef]
    endpoints_lost: list[EndpointRef]
    endpoints_kept: list[EndpointRef]
    schedule_text: str | None
    next_runs: list[NextRun]
    diff: str


class FileChange(Schema):
    """A file that is no job: a policy, route, window, or anything else."""

    action: Literal["added", "changed", "removed"]
    path: str
    kind: str | None
    diff: str


class PlanSummary(Schema):
    added: int
    changed: int
    removed: int
    moved: int


class PlanOut(Schema):
    """What a change would do. Nothing has been done."""

    base: str | None = Field(description="The commit on main that it was worked out on.")
    applicable: bool = Field(description="Whether main would take it: no errors, no conflicts.")
    summary: PlanSummary
    changes: list[JobChange]
    files: list[FileChange]
    endpoints: list[EndpointRef] = Field(description="Every endpoint on which something would change.")
    errors: list[ErrorDetail]
    warnings: list[ErrorDetail]
    conflicts: list[str] = Field(description="Files that both sides changed; merge main into the branch.")


class CommitOut(Schema):
    """A version of a job's file."""

    commit: str
    author: str
    author_email: str
    at: Time
    message: str
    path: str
    action: Literal["created", "changed", "renamed", "deleted"]


class DiffOut(Schema):
    """Two versions of a job's file; null where there was none."""

    from_commit: str | None
    to_commit: str
    diff: str = Field(description="As `git diff` shows it; empty: nothing differs.")
    before: str | None
    after: str | None


class InvalidFileOut(Schema):
    """A file whose newest version is not in force."""

    path: str
    commit_id: str
    changed_by: str
    changed_at: Time
    errors: list[ErrorDetail]


class RepositoryStanding(Schema):
    slug: str
    clone_url: str
    commit: str | None = Field(description="The commit that is in force; null before the first.")
    projected_at: Time | None
    problem: str | None = Field(description="Why main is not followed; null while it is.")
    jobs: int
    jobs_limit: int = Field(description="What the tenant's plan has room for.")
    invalid_files: list[InvalidFileOut]


DocumentKind = Literal["Policy", "AlertRoute", "MaintenanceWindow"]


class DocumentOut(Schema):
    kind: DocumentKind
    name: str
    path: str
    manifest: dict[str, Any]
    yaml: str
    etag: str
    commit: str
    changed_by: str
    changed_at: Time


class SignerOut(Schema):
    public_key: str = Field(description="As in an authorized_keys file.")
    fingerprint: str


class RetiredSignerOut(SignerOut):
    retired_at: Time | None = Field(description="null: it is being changed at this moment.")


class SignersOut(Schema):
    """Who signs the commits that Crontopus makes."""

    allowed_signers: str = Field(description="The file for Git's gpg.ssh.allowedSignersFile.")
    current: SignerOut
    retired: list[RetiredSignerOut] = Field(
        description="Of commits made before the installation's key was changed."
    )


ImportKind = Literal["crontab", "system-crontab", "task-scheduler"]


class ImportIn(Payload):
    """Exactly one of `text` and `base64`: the Task Scheduler exports UTF-16."""

    model_config = ConfigDict(str_strip_whitespace=False)  # problems name lines

    kind: ImportKind
    text: str | None = Field(None, max_length=1_000_000)
    base64: str | None = Field(None, max_length=1_400_000)
    namespace: Annotated[str, Field(max_length=63)] = "default"
    timezone: Annotated[str, Field(max_length=64)] = "UTC"
    match_labels: dict[str, str] | None = Field(None, description="Which endpoints run the jobs.")
    hostname: str | None = Field(None, max_length=253)
    user: str | None = Field(None, max_length=32, description="Who a user crontab's jobs run as.")
    message: Message = None


class ImportedJobOut(Schema):
    name: str
    path: str
    yaml: str
    line: int | None
    source: str
    warnings: list[str]


class ImportProblemOut(Schema):
    """Something in the file that cannot become a job."""

    line: int | None
    source: str
    reason: str
    hint: str | None


class ImportSettingOut(Schema):
    """A line that is no job but bears on those after it, like PATH=…"""

    line: int
    source: str
    effect: str


class ImportOut(Schema):
    """`plan` with dry_run, `commit` without."""

    jobs: list[ImportedJobOut]
    problems: list[ImportProblemOut]
    settings: list[ImportSettingOut]
    plan: PlanOut | None = None
    commit: str | None = None


class FileEdit(Payload):
    model_config = ConfigDict(str_strip_whitespace=False)  # a file's blank lines are part of it

    path: Annotated[str, Field(min_length=1, max_length=1024)]
    content: str | None = Field(description="The file's whole new text; null removes it.")
    if_match: str | None = Field(None, description="The blob id (ETag) it must have now.")


class ApplyIn(Payload):
    """Many files, one commit: all of it or nothing."""

    files: Annotated[list[FileEdit], Field(min_length=1, max_length=2_000)]
    message: Message = None


class ChangedOut(Schema):
    """A change that was made."""

    commit: str = Field(description="The commit it is in; HEAD when nothing differed.")
    changed: bool


class RenameIn(Payload):
    namespace: Annotated[str, Field(max_length=63)]
    name: Annotated[str, Field(max_length=63)]
    message: Message = None


class RollbackIn(Payload):
    commit: Annotated[str, Field(pattern="^[0-9a-f]{40}$", description="From the job's history.")]
    message: Message = None


class MessageIn(Payload):
    message: Message = None


class NamespaceIn(Payload):
    name: Annotated[str, Field(max_length=63)]


class NamespaceOut(Schema):
    name: str
    jobs: int


class JobQuery(PageQuery):
    limit: Annotated[int, Field(ge=1, le=1_000)] = DEFAULT_LIMIT
    namespace: str | None = Field(None, max_length=63)
    state: JobState | None = None
    q: str | None = Field(None, max_length=100, description="Part of the job's or namespace's name.")


class InstanceQuery(PageQuery):
    job: str | None = Field(None, max_length=127, description="namespace/name")
    endpoint_id: UUID | None = None
    state: InstanceState | None = None
