from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crontopus_api.kit.columns import Big, Id, Instant, Json, Str, Strings
from crontopus_api.kit.database import Base

# As stored; `late` is read off the clock when a row is shown.
STATES = ("new", "healthy", "running", "missed", "failing", "stuck", "paused")


def _of_job() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "job_id"], ["jobs.tenant_id", "jobs.id"], ondelete="CASCADE")


class Repository(Base):
    """How far a tenant's repository has been projected."""

    __tablename__ = "repositories"
    __table_args__ = (UniqueConstraint("slug"),)

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    slug: Mapped[Str]
    ready_at: Mapped[Instant | None]
    projected_commit: Mapped[Str | None]
    projected_at: Mapped[Instant | None]
    problem: Mapped[Str | None]


class GitIntent(Base):
    """A change on its way to Git, written first so that a killed process leaves nothing half done."""

    __tablename__ = "git_intents"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'done', 'refused')", name="state"),
        Index("ix_git_intents_pending", "created_at", postgresql_where=text("state = 'pending'")),
    )

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    id: Mapped[Id]
    author_name: Mapped[Str]
    author_email: Mapped[Str]
    message: Mapped[Str]
    edits: Mapped[Json]
    expect: Mapped[Json]
    state: Mapped[Str]
    commit_id: Mapped[Str | None]
    created_at: Mapped[Instant]
    finished_at: Mapped[Instant | None]


class Job(Base):
    """A definition as it is in force. `commit_id`, `changed_by` and `changed_at` say what last changed its file."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("mode IN ('agent', 'ping')", name="mode"),
        Index(
            "uq_jobs_address",
            "tenant_id",
            "namespace",
            "name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_jobs_tenant_id_name", "tenant_id", "name", postgresql_where=text("deleted_at IS NULL")),
        Index("ix_jobs_tenant_id_path", "tenant_id", "path", postgresql_where=text("deleted_at IS NULL")),
    )

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    id: Mapped[Id]
    namespace: Mapped[Str]
    name: Mapped[Str]
    path: Mapped[Str]
    mode: Mapped[Str]
    manifest: Mapped[Json]
    source: Mapped[Str]
    labels: Mapped[Json]
    schedule: Mapped[Strings]
    timezone: Mapped[Str]
    enabled: Mapped[bool]
    paused: Mapped[bool]
    blob_id: Mapped[Str]
    commit_id: Mapped[Str]
    changed_by: Mapped[Str]
    changed_at: Mapped[Instant]
    violations: Mapped[Json]
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]
    deleted_at: Mapped[Instant | None]


class Document(Base):
    """A manifest under `.crontopus/`: a policy, an alert route or a maintenance window."""

    __tablename__ = "documents"
    __table_args__ = (CheckConstraint("kind IN ('Policy', 'AlertRoute', 'MaintenanceWindow')", name="kind"),)

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    path: Mapped[Str] = mapped_column(primary_key=True)
    kind: Mapped[Str]
    name: Mapped[Str]
    manifest: Mapped[Json]
    source: Mapped[Str]
    blob_id: Mapped[Str]
    commit_id: Mapped[Str]
    changed_by: Mapped[Str]
    changed_at: Mapped[Instant]


class InvalidFile(Base):
    """A file whose newest version is not in force, because it is no valid manifest."""

    __tablename__ = "invalid_files"

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    path: Mapped[Str] = mapped_column(primary_key=True)
    blob_id: Mapped[Str]
    commit_id: Mapped[Str]
    changed_by: Mapped[Str]
    changed_at: Mapped[Instant]
    errors: Mapped[Json]


class Namespace(Base):
    """A folder that was made to be a namespace, by a `.gitkeep` in it; folders with jobs need none."""

    __tablename__ = "namespaces"

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[Str] = mapped_column(primary_key=True)


class JobPingKey(Base):
    """A job's ping key: a capability kept outside Git, sealed, found by keyed digest."""

    __tablename__ = "job_ping_keys"
    __table_args__ = (_of_job(), UniqueConstraint("digest"))

    tenant_id: Mapped[Id]
    job_id: Mapped[Id]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Instant]


class Instance(Base):
    """One place where a definition is expected to run. `expectation` is `jobs.expectation.Expectation`."""

    __tablename__ = "instances"
    __table_args__ = (
        _of_job(),
        ForeignKeyConstraint(
            ["tenant_id", "endpoint_id"], ["endpoints.tenant_id", "endpoints.id"], ondelete="CASCADE"
        ),
        Index("ix_instances_tenant_id_job_id", "tenant_id", "job_id"),
        Index("ix_instances_tenant_id_endpoint_id", "tenant_id", "endpoint_id"),
    )

    tenant_id: Mapped[Id]
    id: Mapped[Id]
    job_id: Mapped[UUID]
    endpoint_id: Mapped[UUID | None]
    expectation: Mapped[Json]
    created_at: Mapped[Instant]
    retired_at: Mapped[Instant | None]


class InstanceStatus(Base):
    """The hot row of an instance: made here, moved by the status engine of `checkins`."""

    __tablename__ = "instance_status"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        ForeignKeyConstraint(
            ["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"], ondelete="CASCADE"
        ),
        Index(
            "ix_instance_status_deadline_at", "deadline_at", postgresql_where=text("deadline_at IS NOT NULL")
        ),
        # What changes at every check-in is in no index, nor in the condition of one: such an update is heap-only.
        Index("ix_instance_status_warned", "tenant_id", "instance_id", postgresql_where=text("warned")),
    )

    tenant_id: Mapped[Id]
    instance_id: Mapped[Id]
    state: Mapped[Str]
    since: Mapped[Instant]
    version: Mapped[Big]
    due_at: Mapped[Instant | None]
    deadline_at: Mapped[Instant | None]
    last_seen_at: Mapped[Instant | None]
    failures: Mapped[int]
    successes: Mapped[int]
    open_runs: Mapped[Json]
    last_run_id: Mapped[UUID | None]
    last_run_state: Mapped[Str | None]
    last_run_started_at: Mapped[Instant | None]
    last_run_finished_at: Mapped[Instant | None]
    last_run_duration_ms: Mapped[Big | None]
    last_run_exit_code: Mapped[int | None]
    missed_slot_at: Mapped[Instant | None]
    excused_until: Mapped[Instant | None]
    usual_ms: Mapped[Big | None]
    usual_runs: Mapped[int] = mapped_column(server_default="0")
    warnings: Mapped[Json] = mapped_column(server_default=text("'[]'"))
    warned: Mapped[bool] = mapped_column(Computed("warnings <> '[]'::jsonb", persisted=True))
    expectation_no: Mapped[int] = mapped_column(server_default="0")


class RetiredSigner(Base):
    """A key that signed commits before the installation's secret was another; whoever verifies these has to know it."""

    __tablename__ = "retired_signers"

    public_key: Mapped[Str] = mapped_column(primary_key=True)
    retired_at: Mapped[Instant]
    successor: Mapped[Str | None]
    signature: Mapped[Str | None]
