from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from crontopus_api.kit.columns import Big, Id, Instant, Json, Str
from crontopus_api.kit.database import Base


class Run(Base):
    """One execution of an instance. `partition_at` is when it was first heard of, and never changes."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint(
            "state IN ('running', 'success', 'failure', 'timeout', 'skipped', 'lost', 'missed')", name="state"
        ),
        Index("ix_runs_id", "id"),
        Index("ix_runs_tenant_id_job_id_partition_at_id", "tenant_id", "job_id", "partition_at", "id"),
        Index(
            "ix_runs_tenant_id_endpoint_id_partition_at_id",
            "tenant_id",
            "endpoint_id",
            "partition_at",
            "id",
            postgresql_where=text("endpoint_id IS NOT NULL"),
        ),
        # Successes are nearly all there is: no index helps to find them.
        Index(
            "ix_runs_tenant_id_state_partition_at_id",
            "tenant_id",
            "state",
            "partition_at",
            "id",
            postgresql_where=text("state <> 'success'"),
        ),
        {"postgresql_partition_by": "RANGE (partition_at)"},
    )

    tenant_id: Mapped[Id]
    partition_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    id: Mapped[Id]
    instance_id: Mapped[UUID]
    job_id: Mapped[UUID]
    endpoint_id: Mapped[UUID | None]
    state: Mapped[Str]
    source: Mapped[Str]
    slot_at: Mapped[Instant | None]
    started_at: Mapped[Instant | None]
    finished_at: Mapped[Instant | None]
    duration_ms: Mapped[Big | None]
    exit_code: Mapped[int | None]
    commit_id: Mapped[Str | None]
    message: Mapped[Str | None]
    output_bytes: Mapped[int | None]
    output_total_bytes: Mapped[Big | None]
    output_truncated: Mapped[bool]
    host: Mapped[Str | None]
    environment: Mapped[Str | None]
    metrics: Mapped[Json | None]


class RunOutput(Base):
    """Head and tail of what a run printed, zlib-compressed, apart from the row that lists read."""

    __tablename__ = "run_outputs"
    __table_args__ = ({"postgresql_partition_by": "RANGE (partition_at)"},)

    tenant_id: Mapped[Id]
    partition_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    run_id: Mapped[Id]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class RunKey(Base):
    """A message's id or a sender's run id: finds a run again, and a message seen before."""

    __tablename__ = "run_keys"
    __table_args__ = (Index("ix_run_keys_created_at", "created_at", postgresql_using="brin"),)

    tenant_id: Mapped[Id]
    instance_id: Mapped[Id]
    key: Mapped[Id]
    run_id: Mapped[UUID]
    partition_at: Mapped[Instant]
    created_at: Mapped[Instant]


class StatusChange(Base):
    """An instance went from one state to another. Written with the change, claimed by `alerts`."""

    __tablename__ = "status_changes"
    __table_args__ = (
        Index(
            "ix_status_changes_waiting",
            "tenant_id",
            "recorded_at",
            postgresql_where=text("claimed_at IS NULL"),
        ),
        Index("ix_status_changes_recorded_at", "recorded_at", postgresql_using="brin"),
    )

    tenant_id: Mapped[Id]
    instance_id: Mapped[Id]
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    job_id: Mapped[UUID]
    endpoint_id: Mapped[UUID | None]
    from_state: Mapped[Str]
    to_state: Mapped[Str]
    reason: Mapped[Str]
    run_id: Mapped[UUID | None]
    at: Mapped[Instant]
    recorded_at: Mapped[Instant]
    claimed_at: Mapped[Instant | None]


class RunRollup(Base):
    """The runs of an instance that began on one day (UTC), counted. Durations are of runs that reached their end."""

    __tablename__ = "run_rollups"
    __table_args__ = (Index("ix_run_rollups_tenant_id_instance_id_day", "tenant_id", "instance_id", "day"),)

    tenant_id: Mapped[Id]
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    instance_id: Mapped[Id]
    job_id: Mapped[UUID]
    endpoint_id: Mapped[UUID | None]
    runs: Mapped[int]
    successes: Mapped[int]
    failures: Mapped[int]
    timeouts: Mapped[int]
    lost: Mapped[int]
    missed: Mapped[int]
    skipped: Mapped[int]
    p50_ms: Mapped[Big | None]
    p95_ms: Mapped[Big | None]


class RollupMark(Base):
    """How far something has been counted."""

    __tablename__ = "rollup_marks"

    name: Mapped[Str] = mapped_column(primary_key=True)
    at: Mapped[Instant]


class IngestHeartbeat(Base):
    """One process that takes check-ins, and when it last stored something."""

    __tablename__ = "ingest_heartbeats"

    process_id: Mapped[Id]
    at: Mapped[Instant]


class IngestOutage(Base):
    """A time in which no process could take check-ins."""

    __tablename__ = "ingest_outages"

    id: Mapped[Id]
    began_at: Mapped[Instant]
    ended_at: Mapped[Instant]
