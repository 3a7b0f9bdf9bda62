"""Reading the audit log, and removing what is too old. `kit.audit` writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.models import AuditEntry

BATCH = 5_000


@dataclass(frozen=True)
class AuditFilter:
    """`action`: whole, or its noun. `since` <= at < `until`."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def page(
    session: AsyncSession, tenant_id: UUID, wanted: AuditFilter, after: UUID | None, limit: int
) -> Sequence[AuditEntry]:
    """Newest first."""
    query = select(AuditEntry).where(AuditEntry.tenant_id == tenant_id)
    if wanted.actor is not None:
        query = query.where(
            or_(AuditEntry.actor_name == wanted.actor, AuditEntry.actor_id == _uuid(wanted.actor))
        )
    if wanted.action is not None:
        noun = f"{wanted.action}." if "." not in wanted.action else None
        query = query.where(
            AuditEntry.action.startswith(noun, autoescape=True)
            if noun
            else AuditEntry.action == wanted.action
        )
    if wanted.subject is not None:
        query = query.where(
            or_(AuditEntry.subject_name == wanted.subject, AuditEntry.subject_id == wanted.subject)
        )
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEntry.at < wanted.until)
    if after is not None:
        query = query.where(AuditEntry.id < after)
    return (await session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit))).all()


def _uuid(value: str) -> UUID | None:
    """None compares as unknown: a name is no id."""
    try:
        return UUID(value)
    except ValueError:
        return None


# cross-tenant: entries of all logs are kept equally long. By place in the file: entries never change, so they stay
# where they are and the coarse index on time finds them. The trigger lets go what PostgreSQL's clock calls old enough.
_REMOVE = text(
    "DELETE FROM audit_log WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM audit_log WHERE at < now() - make_interval(days => :days) LIMIT :batch))"
)


async def remove_older(session: AsyncSession, days: int) -> int:
    """Remove a batch at most; how many went. For the scanner's role only."""
    result = await session.execute(_REMOVE, {"days": days, "batch": BATCH})
    assert isinstance(result, CursorResult)
    return result.rowcount
