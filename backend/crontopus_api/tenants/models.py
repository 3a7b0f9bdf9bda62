from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from crontopus_api.kit.columns import Id, Instant, Str
from crontopus_api.kit.database import Base


class Tenant(Base):
    """`delete_at`: it was deleted, and ends then. `purging_at`: it is being taken apart; nothing brings it back.

    `discovery`: agents tell of jobs on their machines that are not ours.
    """

    __tablename__ = "tenants"
    __table_args__ = (
        UniqueConstraint("slug"),
        Index("ix_tenants_delete_at", "delete_at", postgresql_where=text("delete_at IS NOT NULL")),
    )

    id: Mapped[Id]
    slug: Mapped[Str]
    name: Mapped[Str]
    plan: Mapped[Str]
    created_at: Mapped[Instant]
    delete_at: Mapped[Instant | None]
    purging_at: Mapped[Instant | None]
    discovery: Mapped[bool] = mapped_column(server_default=text("true"))


class Membership(Base):
    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'admin', 'editor', 'viewer')", name="role"),
        Index("ix_memberships_user_id", "user_id"),
    )

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    role: Mapped[Str]
    created_at: Mapped[Instant]


class Invitation(Base):
    """Open ones only: used or withdrawn, the row goes, and with it the link. `problem`: why no mail went out."""

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'admin', 'editor', 'viewer')", name="role"),
        Index("uq_invitations_email", "tenant_id", text("lower(email)"), unique=True),
    )

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    id: Mapped[Id]
    email: Mapped[Str]
    role: Mapped[Str]
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    invited_by_name: Mapped[Str]
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    sent_at: Mapped[Instant | None]
    problem: Mapped[Str | None]
