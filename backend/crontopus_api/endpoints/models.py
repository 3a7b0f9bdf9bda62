from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from crontopus_api.kit.columns import Big, Id, Instant, Json, Str
from crontopus_api.kit.database import Base


def _of_endpoint() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "endpoint_id"], ["endpoints.tenant_id", "endpoints.id"], ondelete="CASCADE"
    )


class Endpoint(Base):
    __tablename__ = "endpoints"
    __table_args__ = (
        Index("ix_endpoints_tenant_id_machine_id", "tenant_id", "machine_id"),
        Index(
            "ix_endpoints_last_seen_at",
            "last_seen_at",
            postgresql_where=text("revoked_at IS NULL AND offline_since IS NULL"),
        ),
    )

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    id: Mapped[Id]
    name: Mapped[Str]
    hostname: Mapped[Str]
    platform: Mapped[Str]
    arch: Mapped[Str]
    agent_version: Mapped[Str]
    labels: Mapped[Json]
    machine_id: Mapped[Str]
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    fetched_commit: Mapped[Str | None]
    applied_commit: Mapped[Str | None]
    spool_pending: Mapped[int]
    clock_offset_ms: Mapped[Big | None]
    enrolled_at: Mapped[Instant]
    last_seen_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None]
    offline_since: Mapped[Instant | None]
    locked_at: Mapped[Instant | None]
    lock_reason: Mapped[Str | None]
    # See generations.py.
    generation: Mapped[Big] = mapped_column(server_default="0")
    generation_floor: Mapped[Big] = mapped_column(server_default="0")
    generation_mark: Mapped[Str | None]
    generation_mark_before: Mapped[Str | None]


class EndpointCondition(Base):
    """What an agent last said about one instance: Ready, Stalled, Drifted…"""

    __tablename__ = "endpoint_conditions"
    __table_args__ = (
        _of_endpoint(),
        Index("ix_endpoint_conditions_tenant_id_endpoint_id", "tenant_id", "endpoint_id"),
    )

    tenant_id: Mapped[Id]
    instance_id: Mapped[Id]
    endpoint_id: Mapped[UUID]
    job_id: Mapped[UUID]
    type: Mapped[Str]
    reason: Mapped[Str]
    message: Mapped[Str]
    at: Mapped[Instant]


class EndpointNonce(Base):
    """Signed requests already honoured, so that a recorded one cannot be replayed."""

    __tablename__ = "endpoint_nonces"
    __table_args__ = (_of_endpoint(),)

    tenant_id: Mapped[Id]
    endpoint_id: Mapped[Id]
    nonce: Mapped[str] = mapped_column(Text, primary_key=True)
    used_at: Mapped[Instant]


class EndpointEvent(Base):
    """Something that happened to an endpoint, or to an instance on it. Alerts claim the rows, in order per endpoint."""

    __tablename__ = "endpoint_events"
    __table_args__ = (
        _of_endpoint(),
        Index("ix_endpoint_events_tenant_id_endpoint_id_id", "tenant_id", "endpoint_id", "id"),
        Index("ix_endpoint_events_at", "at"),
        Index(
            "ix_endpoint_events_unclaimed",
            "tenant_id",
            "endpoint_id",
            "id",
            postgresql_where=text("claimed_at IS NULL"),
        ),
    )

    tenant_id: Mapped[Id]
    id: Mapped[Id]
    endpoint_id: Mapped[UUID]
    kind: Mapped[Str]
    reason: Mapped[Str]
    message: Mapped[Str]
    job_id: Mapped[UUID | None]
    instance_id: Mapped[UUID | None]
    at: Mapped[Instant]
    claimed_at: Mapped[Instant | None]
