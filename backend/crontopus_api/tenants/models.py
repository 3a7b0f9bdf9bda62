from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crontopus_api.kit.columns import Id, Instant, Str
from crontopus_api.kit.database import Base


class Tenant(Base):
    __tablename__ = "tenants"
    __table_args__ = (UniqueConstraint("slug"),)

    id: Mapped[Id]
    slug: Mapped[Str]
    name: Mapped[Str]
    plan: Mapped[Str]
    created_at: Mapped[Instant]


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
