from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from crontopus_api.alerts import schemas
from crontopus_api.alerts.channel_schemas import Token
from crontopus_api.alerts.responding import Responder, somebody
from crontopus_api.alerts.service import IncidentService
from crontopus_api.alerts.signed import SignedLinks
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.kit.database import Database
from crontopus_api.kit.paging import Page, decode_time_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1", tags=["incidents"])

Incidents = Annotated[IncidentService, Depends(provided(IncidentService))]
Responding = Annotated[Responder, Depends(provided(Responder))]
_read = requires(scopes.RUNS_READ)
_manage = requires(scopes.ALERTS_MANAGE)
_problems = problem_responses(401, 403, 404, 409, 422)


@router.get("/incidents", dependencies=[_read], responses=problem_responses(401, 403, 404, 422))
async def list_incidents(
    query: Annotated[schemas.IncidentQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    incidents: Incidents,
) -> Page[schemas.IncidentOut]:
    """Incidents, newest first."""
    after = decode_time_cursor(query.cursor)
    wanted = await incidents.filter(session, principal.tenant_id, query)
    found = await incidents.page(session, principal.tenant_id, wanted, after, query.limit + 1)
    items, last = split_page(found, query.limit)
    cursor = encode_cursor(last.opened_at.isoformat(), last.id) if last else None
    return Page(items=list(items), next_cursor=cursor)


@router.get("/incidents/{incident_id}", dependencies=[_read], responses=problem_responses(401, 403, 404, 422))
async def get_incident(
    incident_id: UUID, principal: CurrentPrincipal, session: TenantSession, incidents: Incidents
) -> schemas.IncidentDetail:
    """One incident with its timeline."""
    return await incidents.get(session, principal.tenant_id, incident_id)


@router.post(
    "/incidents/{incident_id}/acknowledge",
    dependencies=[_manage],
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def acknowledge_incident(
    incident_id: UUID,
    principal: CurrentPrincipal,
    session: TenantSession,
    responding: Responding,
    incidents: Incidents,
) -> schemas.IncidentOut:
    """Take it on. Slack, PagerDuty, Opsgenie and webhooks hear of it."""
    incident = await responding.acknowledge(session, principal.tenant_id, incident_id, principal.actor())
    return await incidents.show(session, incident)


@router.post(
    "/incidents/{incident_id}/snooze",
    dependencies=[_manage],
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def snooze_incident(
    incident_id: UUID,
    body: schemas.Snooze,
    principal: CurrentPrincipal,
    session: TenantSession,
    responding: Responding,
    incidents: Incidents,
) -> schemas.IncidentOut:
    """Leave people alone with it for a while."""
    who, wanted = principal.actor(), timedelta(seconds=body.duration_seconds)
    incident = await responding.snooze(session, principal.tenant_id, incident_id, who, wanted)
    return await incidents.show(session, incident)


@router.post("/incidents/{incident_id}/resolve", dependencies=[_manage], responses=_problems)
async def resolve_incident(
    incident_id: UUID,
    principal: CurrentPrincipal,
    session: TenantSession,
    responding: Responding,
    incidents: Incidents,
) -> schemas.IncidentOut:
    """Say that it is over. It stays so until its subject turns bad anew."""
    incident = await responding.resolve(session, principal.tenant_id, incident_id, principal.actor())
    return await incidents.show(session, incident)


@router.post("/incidents/{incident_id}/mute", dependencies=[_manage], responses=_problems)
async def mute_incident(
    incident_id: UUID,
    principal: CurrentPrincipal,
    session: TenantSession,
    responding: Responding,
    incidents: Incidents,
) -> schemas.IncidentOut:
    """Tell nobody any more, also not that it is over."""
    incident = await responding.mute(session, principal.tenant_id, incident_id, principal.actor())
    return await incidents.show(session, incident)


@router.post("/incidents/{incident_id}/unmute", dependencies=[_manage], responses=_problems)
async def unmute_incident(
    incident_id: UUID,
    principal: CurrentPrincipal,
    session: TenantSession,
    responding: Responding,
    incidents: Incidents,
) -> schemas.IncidentOut:
    """Tell again what becomes of it."""
    incident = await responding.unmute(session, principal.tenant_id, incident_id, principal.actor())
    return await incidents.show(session, incident)


@router.post(
    "/incidents/{incident_id}/comment",
    dependencies=[_manage],
    responses=problem_responses(401, 403, 404, 422),
)
async def comment_on_incident(
    incident_id: UUID,
    body: schemas.Comment,
    principal: CurrentPrincipal,
    session: TenantSession,
    responding: Responding,
    incidents: Incidents,
) -> schemas.IncidentOut:
    """Add a line to its timeline, also when it is over."""
    who = principal.actor()
    incident = await responding.comment(session, principal.tenant_id, incident_id, who, body.text)
    return await incidents.show(session, incident)


@router.post("/incidents/acknowledge-by-link", responses=problem_responses(404, 409, 422))
async def acknowledge_by_link(
    body: Token,
    database: Annotated[Database, Depends(provided(Database))],
    links: Annotated[SignedLinks, Depends(provided(SignedLinks))],
    responding: Responding,
    incidents: Incidents,
) -> schemas.IncidentOut:
    """The same by the token in a message's link, without signing in."""
    act = links.read_act(body.token)
    async with database.tenant(act.tenant_id) as session:
        incident = await responding.acknowledge(session, act.tenant_id, act.incident_id, somebody(act.who))
        return await incidents.show(session, incident)
