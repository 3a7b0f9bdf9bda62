from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from crontopus_api.kit.columns import Id, Ids, Instant, Json, Str, Strings
from crontopus_api.kit.database import Base


def _of_incident() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "incident_id"], ["incidents.tenant_id", "incidents.id"], ondelete="CASCADE"
    )


def _of_channel(on_delete: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "channel_id"], ["channels.tenant_id", "channels.id"], ondelete=on_delete
    )


_KINDS = "'email', 'slack', 'slack_webhook', 'pagerduty', 'webhook', 'teams', 'discord', 'telegram', 'ntfy', 'opsgenie'"


class Channel(Base):
    """Where notifications go. `config` holds nothing secret: that is sealed in `secret`.
    `target`: where it leads, as people may read it.

    `verified`, `unsubscribed`: addresses of a channel that has several. `is_default`: it is told what no route takes.
    The breaker: `failures` in a row since `failing_since`; nothing is sent until `open_until`, then one message tries.
    """

    __tablename__ = "channels"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        CheckConstraint("state IN ('unverified', 'ready', 'broken')", name="state"),
        Index("uq_channels_name", "tenant_id", text("lower(name)"), unique=True),
        Index("ix_channels_created_by", "created_by"),
    )

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    id: Mapped[Id]
    name: Mapped[Str]
    kind: Mapped[Str]
    builtin: Mapped[bool]
    is_default: Mapped[bool]
    per_minute: Mapped[int]
    target: Mapped[Str]
    config: Mapped[Json]
    secret: Mapped[bytes | None]
    verified: Mapped[Strings]
    unsubscribed: Mapped[Strings]
    state: Mapped[Str]
    problem: Mapped[Str | None]
    verified_at: Mapped[Instant | None]
    failures: Mapped[int]
    failing_since: Mapped[Instant | None]
    open_until: Mapped[Instant | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[Instant]


def _open_one(name: str, *columns: str, of: str) -> Index:
    return Index(
        f"uq_incidents_open{name}",
        "tenant_id",
        *columns,
        unique=True,
        postgresql_where=text(f"state <> 'resolved' AND {of}"),
    )


class Incident(Base):
    """`parent_id`: the incident that holds this one, so that nobody is told of both. `flapping`: it goes wrong and
    right again; it stays open until it has been well for a while, `well_since`. `muted`: nobody is told any more.

    `resolved_by`: who said that it is over. `commit_id`: what changed the job within the day before, or, of an outage,
    what its jobs have in common. `folded_because`: of one that opened as a part of another; what became one later has
    an event that says so.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'resolved')", name="state"),
        ForeignKeyConstraint(
            ["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "parent_id"],
            ["incidents.tenant_id", "incidents.id"],
            ondelete="SET NULL (parent_id)",
        ),
        _open_one("", "instance_id", of="kind NOT IN ('too_often', 'slow')"),
        _open_one("_warning", "instance_id", "kind", of="kind IN ('too_often', 'slow')"),
        _open_one("_endpoint", "endpoint_id", "kind", of="instance_id IS NULL"),
        _open_one("_repository", of="kind = 'repository_invalid'"),
        _of_channel("SET NULL (channel_id)"),
        Index("ix_incidents_tenant_id_opened_at_id", "tenant_id", "opened_at", "id"),
        Index(
            "uq_incidents_open_channel",
            "tenant_id",
            "channel_id",
            unique=True,
            postgresql_where=text("state <> 'resolved' AND channel_id IS NOT NULL"),
        ),
        Index(
            "ix_incidents_tenant_id_channel_id",
            "tenant_id",
            "channel_id",
            postgresql_where=text("channel_id IS NOT NULL"),
        ),
        Index("ix_incidents_tenant_id_parent_id", "tenant_id", "parent_id"),
        Index("ix_incidents_tenant_id_instance_id_opened_at", "tenant_id", "instance_id", "opened_at"),
        Index(
            "ix_incidents_tenant_id_endpoint_id_opened_at",
            "tenant_id",
            "endpoint_id",
            "opened_at",
            postgresql_where=text("endpoint_id IS NOT NULL"),
        ),
        Index("ix_incidents_tenant_id_job_id_opened_at", "tenant_id", "job_id", "opened_at"),
        Index("ix_incidents_damped", "well_since", postgresql_where=text("flapping AND state <> 'resolved'")),
        Index(
            "ix_incidents_watched",
            "kind",
            postgresql_where=text(
                "state <> 'resolved' AND kind IN ('outage', 'repository_invalid', 'too_often', 'slow')"
            ),
        ),
    )

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    id: Mapped[Id]
    kind: Mapped[Str]
    state: Mapped[Str]
    severity: Mapped[Str]
    title: Mapped[Str]
    cause: Mapped[Str | None]
    opened_because: Mapped[Str] = mapped_column(server_default="unknown")
    folded_because: Mapped[Str | None]
    instance_id: Mapped[UUID | None]
    job_id: Mapped[UUID | None]
    endpoint_id: Mapped[UUID | None]
    opened_at: Mapped[Instant]
    resolved_at: Mapped[Instant | None]
    acknowledged_at: Mapped[Instant | None]
    acknowledged_by: Mapped[Str | None]
    snoozed_until: Mapped[Instant | None]
    channel_id: Mapped[UUID | None]
    parent_id: Mapped[UUID | None]
    muted: Mapped[bool] = mapped_column(server_default="false")
    flapping: Mapped[bool] = mapped_column(server_default="false")
    well_since: Mapped[Instant | None]
    resolved_by: Mapped[Str | None]
    commit_id: Mapped[Str | None]


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
    """One notification on its way to one target of a channel. `channel`: its kind.

    `message_id`: the message it goes in, settled before the first attempt; several share one when much happens at
    once. `receipt`: what the medium calls it. `next_at`: not before. `expires_at`: then it is given up.
    `held`: why nobody is told of it now; at `next_at` somebody looks whether that still holds.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint("event IN ('opened', 'acknowledged', 'resolved', 'reminded')", name="event"),
        CheckConstraint("state IN ('pending', 'sent', 'failed')", name="state"),
        _of_incident(),
        _of_channel("SET NULL (channel_id)"),
        Index("ix_deliveries_tenant_id_incident_id", "tenant_id", "incident_id"),
        Index("ix_deliveries_tenant_id_channel_id", "tenant_id", "channel_id", "id"),
        Index("ix_deliveries_tenant_id_message_id", "tenant_id", "message_id"),
        Index(
            "ix_deliveries_waiting",
            "tenant_id",
            "channel",
            "target",
            "id",
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_deliveries_queue",
            "tenant_id",
            "channel_id",
            "target",
            "id",
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_deliveries_held", "next_at", postgresql_where=text("state = 'pending' AND held IS NOT NULL")
        ),
    )

    tenant_id: Mapped[Id]
    id: Mapped[Id]
    incident_id: Mapped[UUID]
    event: Mapped[Str]
    channel: Mapped[Str]
    channel_id: Mapped[UUID | None]
    target: Mapped[Str]
    state: Mapped[Str]
    attempts: Mapped[int]
    last_error: Mapped[Str | None]
    created_at: Mapped[Instant]
    sent_at: Mapped[Instant | None]
    message_id: Mapped[UUID | None]
    receipt: Mapped[Json | None]
    next_at: Mapped[Instant | None]
    expires_at: Mapped[Instant | None]
    held: Mapped[Str | None]


class Reminder(Base):
    """An open incident is to be told of again, or to further `channels`, unless somebody is on it by then.

    `route`: None of the default one. `step`: which of the route's steps, or how often it was told again.
    """

    __tablename__ = "reminders"
    __table_args__ = (
        CheckConstraint("kind IN ('repeat', 'escalate', 'snooze')", name="kind"),
        _of_incident(),
        Index("ix_reminders_due_at", "due_at"),
        Index("ix_reminders_tenant_id_incident_id", "tenant_id", "incident_id"),
    )

    tenant_id: Mapped[Id]
    id: Mapped[Id]
    incident_id: Mapped[UUID]
    kind: Mapped[Str]
    due_at: Mapped[Instant]
    step: Mapped[int]
    route: Mapped[Str | None]
    channels: Mapped[Ids]
    every_seconds: Mapped[int | None]


class DeliveryAttempt(Base):
    """One try at handing a message over, and what the other side said to it."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (
        _of_channel("CASCADE"),
        Index("ix_delivery_attempts_message", "tenant_id", "message_id", "at"),
        Index("ix_delivery_attempts_recent", "tenant_id", "channel_id", "target", "at"),
        Index("ix_delivery_attempts_at", "at"),
    )

    tenant_id: Mapped[Id]
    id: Mapped[Id]
    channel_id: Mapped[UUID]
    target: Mapped[Str]
    message_id: Mapped[UUID]
    size: Mapped[int]
    at: Mapped[Instant]
    took_ms: Mapped[int]
    ok: Mapped[bool]
    status: Mapped[int | None]
    response: Mapped[Str | None]
    error: Mapped[Str | None]
