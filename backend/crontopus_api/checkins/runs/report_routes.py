from typing import Annotated

from fastapi import APIRouter, Depends, Query

from crontopus_api.checkins.runs import report_schemas as schemas
from crontopus_api.checkins.runs.reports_service import ReportService
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.kit.paging import Page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1", tags=["reports"])

Reports = Annotated[ReportService, Depends(provided(ReportService))]
_read = requires(scopes.RUNS_READ)


@router.get("/reports/jobs", dependencies=[_read], responses=problem_responses(401, 403, 422))
async def report_jobs(
    query: Annotated[schemas.ReportQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    reports: Reports,
) -> Page[schemas.JobReport]:
    """How each job's runs went, over a span of days. Counted every few minutes."""
    return Page(items=await reports.by_job(session, principal.tenant_id, query))


@router.get("/reports/endpoints", dependencies=[_read], responses=problem_responses(401, 403, 422))
async def report_endpoints(
    query: Annotated[schemas.ReportQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    reports: Reports,
) -> Page[schemas.EndpointReport]:
    """The same by endpoint."""
    return Page(items=await reports.by_endpoint(session, principal.tenant_id, query))


@router.get(
    "/jobs/{namespace}/{name}/uptime",
    dependencies=[_read],
    responses=problem_responses(401, 403, 404, 422),
)
async def get_uptime(
    namespace: str,
    name: str,
    principal: CurrentPrincipal,
    session: TenantSession,
    reports: Reports,
    days: Annotated[int, Query(ge=1, le=365)] = 30,
) -> schemas.UptimeOut:
    """How much of the last days a job was well."""
    return await reports.uptime(session, principal.tenant_id, namespace, name, days)
