from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from crontopus_api.kit.columns import Id, Instant, Str
from crontopus_api.kit.database import Base


def _of_incident() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "incident_id"], ["incidents.tenant_id", "incidents.id"], ondelete="CASCADE"
    )


class Incident(Base):
    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'resolved')", name="state"),
        ForeignKeyConstraint(
            ["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"], ondelete="CASCADE"
        ),
        Index(
            "uq_incidents_open",
            "tenant_id",
            "instance_id",
            unique=True,
            postgresql_where=text("state <> 'resolved'"),
        ),
        Index("ix_incidents_tenant_id_opened_at_id", "tenant_id", "opened_at", "id"),
    )

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    id: Mapped[Id]
    kind: Mapped[Str]
    state: Mapped[Str]
    severity: Mapped[Str]
    title: Mapped[Str]
    cause: Mapped[Str | None]
    opened_because: Mapped[Str] = mapped_column(server_default="unknown")
    instance_id: Mapped[UUID | None]
    job_id: Mapped[UUID | None]
    endpoint_id: Mapped[UUID | None]
    opened_at: Mapped[Instant]
    resolved_at: Mapped[Instant | None]


class IncidentEvent(Base):
    """A line of an incident's timeline that neither the incident nor its deliveries tell."""

    __tablename__ = "incident_events"
    __table_args__ = (
        _of_incident(),
        Index("ix_incident_events_tenant_id_incident_id_at", "tenant_id", "incident_id", "at"),
    )

    tenant_id: Mapped[Id]
    id: Mapped[Id]
    incident_id: Mapped[UUID]
    at: Mapped[Instant]
    kind: Mapped[Str]
    message: Mapped[Str]


class Delivery(Base):
    """One notification on its way to one channel."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint("event IN ('opened', 'resolved')", name="event"),
        CheckConstraint("state IN ('pending', 'sent', 'failed')", name="state"),
        _of_incident(),
        Index("ix_deliveries_tenant_id_incident_id", "tenant_id", "incident_id"),
        Index(
            "ix_deliveries_waiting",
            "tenant_id",
            "channel",
            "target",
            "id",
            postgresql_where=text("state = 'pending'"),
        ),
    )

    tenant_id: Mapped[Id]
    id: Mapped[Id]
    incident_id: Mapped[UUID]
    event: Mapped[Str]
    channel: Mapped[Str]
    target: Mapped[Str]
    state: Mapped[Str]
    attempts: Mapped[int]
    last_error: Mapped[Str | None]
    created_at: Mapped[Instant]
    sent_at: Mapped[Instant | None]
