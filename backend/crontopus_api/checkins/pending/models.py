from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from crontopus_api.kit.columns import Id, Instant, Str
from crontopus_api.kit.database import Base


class PendingJob(Base):
    """A job that a first ping made: it waits for its commit. `content` is the file it will be.

    `problem` says why the last try to commit it failed.
    """

    __tablename__ = "pending_jobs"
    __table_args__ = (Index("uq_pending_jobs_address", "tenant_id", "name", "namespace", unique=True),)

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    id: Mapped[Id]
    namespace: Mapped[Str]
    name: Mapped[Str]
    content: Mapped[Str]
    created_at: Mapped[Instant]
    claimed_until: Mapped[Instant | None]
    problem: Mapped[Str | None]


class PendingCheckIn(Base):
    """What was reported of a pending job, in the order it came; `message` is the `CheckIn` as JSON."""

    __tablename__ = "pending_check_ins"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "job_id"], ["pending_jobs.tenant_id", "pending_jobs.id"], ondelete="CASCADE"
        ),
    )

    tenant_id: Mapped[Id]
    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    received_at: Mapped[Instant] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    message: Mapped[bytes] = mapped_column(LargeBinary)
