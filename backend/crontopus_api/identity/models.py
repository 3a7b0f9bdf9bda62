from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crontopus_api.kit.columns import Id, Instant, Json, Str, Strings
from crontopus_api.kit.database import Base


class User(Base):
    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("username"),
        Index("uq_users_email", text("lower(email)"), unique=True),
    )

    id: Mapped[Id]
    username: Mapped[Str]
    email: Mapped[Str]
    password_hash: Mapped[Str]
    created_at: Mapped[Instant]


class Token(Base):
    """One mechanism for four kinds: user (API), session, endpoint, enrollment. Only a digest is stored."""

    __tablename__ = "tokens"
    __table_args__ = (
        CheckConstraint("kind IN ('user', 'session', 'endpoint', 'enrollment')", name="kind"),
        UniqueConstraint("digest"),
        Index("ix_tokens_tenant_id_endpoint_id", "tenant_id", "endpoint_id"),
        ForeignKeyConstraint(
            ["tenant_id", "endpoint_id"], ["endpoints.tenant_id", "endpoints.id"], ondelete="CASCADE"
        ),
    )

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    id: Mapped[Id]
    kind: Mapped[Str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    endpoint_id: Mapped[UUID | None]
    name: Mapped[Str]
    hint: Mapped[Str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[Strings]
    labels: Mapped[Json]
    uses_left: Mapped[int | None]
    replaces_id: Mapped[UUID | None]
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant | None]
    last_used_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None]


class Operator(Base):
    """Who may use the internal admin. Belongs to the installation, to no tenant."""

    __tablename__ = "operators"
    __table_args__ = (UniqueConstraint("username"),)

    id: Mapped[Id]
    username: Mapped[Str]
    password_hash: Mapped[Str]
    created_at: Mapped[Instant]
    disabled_at: Mapped[Instant | None]


class AuditEntry(Base):
    """Written by `kit.audit`; see there what each column holds. Of a tenant, of a person's own account, or, of neither,
    of the operators."""

    __tablename__ = "audit_log"
    __table_args__ = (
        CheckConstraint("actor_kind IN ('user', 'endpoint', 'operator', 'system')", name="actor_kind"),
        CheckConstraint(
            "num_nonnulls(tenant_id, account_id) = 1"
            " OR (num_nonnulls(tenant_id, account_id) = 0 AND actor_kind IN ('operator', 'system'))",
            name="one_log",
        ),
        Index("ix_audit_log_tenant_id_id", "tenant_id", "id", postgresql_where=text("tenant_id IS NOT NULL")),
        Index(
            "ix_audit_log_account_id_id", "account_id", "id", postgresql_where=text("account_id IS NOT NULL")
        ),
        Index(
            "ix_audit_log_operators",
            "id",
            postgresql_where=text("tenant_id IS NULL AND account_id IS NULL"),
        ),
        Index("ix_audit_log_at", "at", postgresql_using="brin"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]
    at: Mapped[Instant]
    actor_kind: Mapped[Str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[Str]
    token_id: Mapped[UUID | None]
    action: Mapped[Str]
    subject_kind: Mapped[Str]
    subject_id: Mapped[Str]
    subject_name: Mapped[Str]
    before: Mapped[Json | None]
    after: Mapped[Json | None]
    address: Mapped[str | None] = mapped_column(Text)
    agent: Mapped[str | None] = mapped_column(Text)
