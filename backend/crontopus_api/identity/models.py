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

from crontopus_api.kit.caller import current_caller
from crontopus_api.kit.columns import Big, Id, Instant, Json, Str, Strings
from crontopus_api.kit.database import Base


class User(Base):
    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("username"),
        Index("uq_users_email", text("lower(email)"), unique=True, postgresql_where=text("NOT pending")),
        Index("ix_users_pending_email", text("lower(email)"), postgresql_where=text("pending")),
    )

    id: Mapped[Id]
    username: Mapped[Str]
    email: Mapped[Str]
    password_hash: Mapped[str | None] = mapped_column(Text)
    """None: signs in by single sign-on only."""
    created_at: Mapped[Instant]
    email_verified_at: Mapped[Instant | None]
    pending: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """Registered, and cannot sign in before the address is proven. Has no tenant yet."""
    new_email: Mapped[str | None] = mapped_column(Text)
    """The address asked for, until it is proven."""


class SecondFactor(Base):
    """TOTP of a person; on once `confirmed_at` is set."""

    __tablename__ = "second_factors"

    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    """Sealed: `second_factors.place`."""
    created_at: Mapped[Instant]
    confirmed_at: Mapped[Instant | None]
    last_step: Mapped[Big]
    """The time step of the last code that was taken: none is taken twice."""


class RecoveryCode(Base):
    """One that has not been used; its use takes the row away."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)


class UserIdentity(Base):
    """Who a person is to a provider of single sign-on."""

    __tablename__ = "user_identities"
    __table_args__ = (Index("ix_user_identities_user_id", "user_id"),)

    issuer: Mapped[Str] = mapped_column(primary_key=True)
    subject: Mapped[Str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[Instant]


class Token(Base):
    """One mechanism for four kinds: user (API), session, endpoint, enrollment. Only a digest is stored."""

    __tablename__ = "tokens"
    __table_args__ = (
        CheckConstraint("kind IN ('user', 'session', 'endpoint', 'enrollment')", name="kind"),
        UniqueConstraint("digest"),
        Index("ix_tokens_tenant_id_endpoint_id", "tenant_id", "endpoint_id"),
        Index("ix_tokens_user_id", "user_id", postgresql_where=text("kind = 'session'")),
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
    address: Mapped[str | None] = mapped_column(Text, default=lambda: current_caller().address)
    """Where it was asked for."""


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
