from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from crontopus_api.alerts import schemas
from crontopus_api.alerts.service import IncidentService
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.kit.paging import Page, decode_time_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1", tags=["incidents"])

Incidents = Annotated[IncidentService, Depends(provided(IncidentService))]
_read = requires(scopes.RUNS_READ)


@router.get("/incidents", dependencies=[_read], responses=problem_responses(401, 403, 422))
async def list_incidents(
    query: Annotated[schemas.IncidentQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    incidents: Incidents,
) -> Page[schemas.IncidentOut]:
    """Incidents, newest first."""
    after = decode_time_cursor(query.cursor)
    found = await incidents.page(session, principal.tenant_id, query.state, after, query.limit + 1)
    items, last = split_page(found, query.limit)
    cursor = encode_cursor(last.opened_at.isoformat(), last.id) if last else None
    return Page(items=list(items), next_cursor=cursor)


@router.get("/incidents/{incident_id}", dependencies=[_read], responses=problem_responses(401, 403, 404, 422))
async def get_incident(
    incident_id: UUID, principal: CurrentPrincipal, session: TenantSession, incidents: Incidents
) -> schemas.IncidentDetail:
    """One incident with its timeline."""
    return await incidents.get(session, principal.tenant_id, incident_id)
