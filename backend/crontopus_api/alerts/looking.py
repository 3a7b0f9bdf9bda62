"""What no event tells and somebody has to look for: which tenants there is something to look at for. In the scanner's
role; it says where to look, and `sources` look themselves."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# cross-tenant: workers look after everybody's incidents
_BY_TIME = text(
    """
    SELECT i.tenant_id FROM incidents i WHERE i.flapping AND i.state <> 'resolved' AND i.well_since <= :well_before
    UNION
    SELECT i.tenant_id FROM incidents i
    WHERE i.kind = 'outage' AND i.state <> 'resolved' AND NOT EXISTS (
        SELECT FROM incidents c
        WHERE c.tenant_id = i.tenant_id AND c.parent_id = i.id AND c.state <> 'resolved'
    )
    """
)
# cross-tenant: the same. Whose repository is wrong and has no incident, or has one that is not true any more.
_REPOSITORIES = text(
    """
    WITH wrong AS (
        SELECT tenant_id, max(at) AS at FROM (
            SELECT f.tenant_id, f.changed_at AS at FROM invalid_files f
            UNION ALL
            SELECT r.tenant_id, '-infinity' FROM repositories r WHERE r.problem IS NOT NULL
        ) each GROUP BY tenant_id
    ), said AS (
        SELECT i.tenant_id FROM incidents i WHERE i.kind = 'repository_invalid' AND i.state <> 'resolved'
    )
    SELECT coalesce(wrong.tenant_id, said.tenant_id) FROM wrong FULL JOIN said ON said.tenant_id = wrong.tenant_id
    WHERE wrong.tenant_id IS NULL OR said.tenant_id IS NULL
    """
)
# cross-tenant: the same
_WARNINGS = text(
    """
    WITH warned AS (
        SELECT s.tenant_id, s.instance_id, w ->> 'code' AS kind, (w ->> 'at')::timestamptz AS at
        FROM instance_status s, jsonb_array_elements(s.warnings) w
        WHERE s.warnings <> '[]'::jsonb AND w ->> 'code' IN ('too_often', 'slow')
    )
    SELECT w.tenant_id FROM warned w WHERE NOT EXISTS (
        SELECT FROM incidents i
        WHERE i.tenant_id = w.tenant_id AND i.instance_id = w.instance_id AND i.kind = w.kind
            AND (i.state <> 'resolved' OR i.opened_at >= w.at)
    )
    UNION
    SELECT i.tenant_id FROM incidents i
    WHERE i.kind IN ('too_often', 'slow') AND i.state <> 'resolved' AND NOT EXISTS (
        SELECT FROM warned w
        WHERE w.tenant_id = i.tenant_id AND w.instance_id = i.instance_id AND w.kind = i.kind
    )
    """
)


async def tenants(session: AsyncSession, well_before: datetime) -> set[UUID]:
    """Those for whom time alone, their repository or a job's warnings have come to something."""
    found = set(await session.scalars(_BY_TIME, {"well_before": well_before}))
    found |= set(await session.scalars(_REPOSITORIES))
    return found | set(await session.scalars(_WARNINGS))
