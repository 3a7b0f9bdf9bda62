from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import PlainTextResponse

from crontopus_api.checkins.prometheus import repository
from crontopus_api.checkins.prometheus.rendering import CONTENT_TYPE, render
from crontopus_api.checkins.writer import CheckInWriter
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

Writer = Annotated[CheckInWriter, Depends(provided(CheckInWriter))]
router = APIRouter(prefix="/api/v1/metrics", tags=["metrics"])


@router.get(
    "/prometheus",
    dependencies=[requires(scopes.RUNS_READ)],
    response_class=PlainTextResponse,
    responses=problem_responses(401, 403),
)
async def tenants_metrics(principal: CurrentPrincipal, session: TenantSession, writer: Writer) -> Response:
    """The tenant's jobs, one series per instance: up, last success, duration, next due. Scrape it with an API token."""
    told = await repository.told(session, principal.tenant_id, writer.now())
    return Response(render(told), media_type=CONTENT_TYPE)
