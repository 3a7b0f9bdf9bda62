from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crontopus_api.kit.columns import Id, Instant
from crontopus_api.kit.database import Base


class TenantPingKey(Base):
    """A capability like a job's ping key, for all jobs of a tenant: sealed, found by keyed digest."""

    __tablename__ = "tenant_ping_keys"
    __table_args__ = (UniqueConstraint("digest"),)

    tenant_id: Mapped[Id] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Instant]
